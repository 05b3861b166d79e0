"""What a service was at when it crashed, and what its next life makes of that."""

from pathlib import Path

import pytest

from streams.messages.message import Message
from streams.messages.rejects import InvalidRecord
from streams.service.crash_notes import FILE_NAME, CrashNotes

MESSAGES = [Message("t", 0, offset, b"k", b'{"n":%d}' % offset) for offset in range(6)]
BAD = MESSAGES[3]


def life(folder: Path, messages: list[Message] = MESSAGES) -> tuple[list[list[int]], list[tuple[int, str]], bool]:
    """A service that BAD ends: what it took together, what it set aside and why, whether it came through."""
    notes, took, aside = CrashNotes(folder), [], []
    for part in notes.parts(messages):
        took.append([one.offset for one in part])
        try:
            with notes.noted(part):
                for one in part:
                    if one.refusal is None and one.value == BAD.value:
                        raise ZeroDivisionError("so it was")
                    try:
                        one.records()
                    except InvalidRecord as refusal:
                        if refusal.reason == "crashed-the-service":
                            aside.append((one.offset, refusal.detail))
        except ZeroDivisionError:
            return took, aside, False
    return took, aside, True


def test_a_message_that_crashed_a_service_twice_is_set_aside_and_no_other(tmp_path: Path) -> None:
    whole = [[0, 1, 2, 3, 4, 5]]
    assert life(tmp_path) == (whole, [], False)
    assert life(tmp_path) == ([[0], [1], [2], [3]], [], False)
    why = "record: crashed-the-service: ZeroDivisionError: so it was"
    assert life(tmp_path) == ([[0], [1], [2], [3], [4], [5]], [(3, why)], True)
    assert life(tmp_path)[1:] == ([(3, why)], True)


def test_one_that_was_alone_from_the_first_has_its_second_chance_too(tmp_path: Path) -> None:
    assert [life(tmp_path, [BAD])[2] for _ in range(3)] == [False, False, True]


def test_another_message_in_its_place_is_not_taken_for_it(tmp_path: Path) -> None:
    for _ in range(3):
        life(tmp_path)
    other = Message("t", 0, BAD.offset, b"k", b'{"of":"a topic that was made anew"}')
    assert CrashNotes(tmp_path).judged(other).refusal is None


def test_of_a_message_of_many_records_only_one_is_set_aside(tmp_path: Path) -> None:
    batch = Message("t", 0, 0, b"k", b"[" + b",".join(one.value or b"" for one in MESSAGES) + b"]")
    with pytest.raises(ZeroDivisionError), CrashNotes(tmp_path).noted([batch]):
        raise ZeroDivisionError
    apart = CrashNotes(tmp_path).taken_apart(batch)
    assert [(one.index, one.value, one.refusal) for one in apart] == [
        (i, one.value, None) for i, one in enumerate(MESSAGES)
    ]
    with pytest.raises(ZeroDivisionError), CrashNotes(tmp_path).noted([apart[3]]):
        raise ZeroDivisionError
    assert [bool(one.refusal) for one in CrashNotes(tmp_path).taken_apart(batch)] == [i == 3 for i in range(6)]


def test_other_partitions_and_later_messages_are_worked_on_together(tmp_path: Path) -> None:
    life(tmp_path)
    elsewhere = [Message("t", 1, 3, None, b"x"), Message("u", 0, 3, None, b"x"), Message("t", 0, 6, None, b"x")]
    assert list(CrashNotes(tmp_path).parts(elsewhere)) == [elsewhere]


def test_notes_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    for _ in range(2):
        life(tmp_path)
    file = tmp_path / FILE_NAME
    file.write_bytes(b'\xff{"ranges":\n' + file.read_bytes() + b'{"ranges":[["t",0')
    assert life(tmp_path)[2]


def test_a_full_disk_does_not_hide_what_happened(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ZeroDivisionError), CrashNotes(tmp_path / "file").noted([BAD]):
        raise ZeroDivisionError
