"""Windows of a source find each other, whatever the order of the topics, and none is lost or used twice."""

from hypothesis import given
from hypothesis import strategies as st

from streams.intake.assembly import Assembler
from streams.intake.grid import slot_of
from streams.intake.source_slots import ABSENT_SLOTS
from tests.support.arrivals import ALL, GRACE, HOP, arrival, assembler, read_upto, told


def with_history(modalities: str, **limits: int) -> Assembler:
    """An assembler that expects these modalities of source `s`, all slots up to 9 closed."""
    one = assembler(ALL, **limits)
    for slot in range(10):
        one.recall("s", slot, slot * HOP, modalities, is_late=False)
    return one


@given(st.integers(0, 2**62), st.integers(1, 2**40))
def test_a_slot_is_the_rounded_quotient(start_ns: int, hop_ns: int) -> None:
    slot = slot_of(start_ns, hop_ns)
    assert abs(2 * start_ns - 2 * slot * hop_ns) <= hop_ns


def test_a_slot_closes_when_all_expected_modalities_are_there() -> None:
    one = with_history("ab")
    assert told(one.add(arrival("a", 10), 0)) == []
    assert told(one.add(arrival("b", 10.2), 0)) == ["10ab"]
    assert one.n_open == 0


def test_a_new_source_waits_for_the_grace_once() -> None:
    one = assembler()
    assert told(one.add(arrival("a", 1), 0)) + told(one.add(arrival("b", 1), 1)) == []
    assert told(one.tick(GRACE - 1)) == []
    assert told(one.tick(GRACE)) == ["1ab"]
    one.add(arrival("b", 2), 100)
    assert told(one.add(arrival("a", 2), 100)) == ["2ab"]


def test_a_new_source_with_all_that_exists_does_not_wait() -> None:
    one = assembler("ab")
    assert told([*one.add(arrival("a", 1), 0), *one.add(arrival("b", 1), 0)]) == ["1ab"]


def test_a_slot_closes_when_every_expected_modality_has_gone_past_it() -> None:
    one = with_history("ab")
    one.add(arrival("a", 10), 0)
    assert told(one.add(arrival("b", 11), 0)) == []  # b will not bring slot 10 any more, a might bring another
    assert told(one.add(arrival("a", 11), 0)) == ["11ab", "10a"]


def test_a_topic_that_runs_ahead_makes_no_other_late() -> None:
    one = with_history("ab")
    first = [group for slot in range(10, 500) for group in one.add(arrival("a", slot), 0)]
    second = [group for slot in range(10, 500) for group in one.add(arrival("b", slot), 1)]
    assert (told(first), told(second)) == ([], [f"{slot}ab" for slot in range(10, 500)])


def test_a_topic_with_a_backlog_is_waited_for_however_long() -> None:
    one = with_history("ab")
    for slot in range(10, 20):
        one.add(arrival("a", slot), 0)
    groups = []
    for slot in range(10, 20):
        now = slot * 100 * GRACE
        groups += told([*one.tick(now, read_upto({"b": GRACE - 1}, now)), *one.add(arrival("b", slot), now)])
    assert groups == [f"{slot}ab" for slot in range(10, 20)]


def test_the_grace_is_over_once_all_was_read_that_had_been_written_by_its_end() -> None:
    one = with_history("ab")
    one.add(arrival("a", 10), 5)
    assert told(one.tick(1000, read_upto({"b": 5 + GRACE - 1}, 1000))) == []
    assert told(one.tick(1000, read_upto({"b": 5 + GRACE}, 1000))) == ["10a"]


def test_a_topic_of_another_partition_is_not_waited_for() -> None:
    one = with_history("ab")
    one.add(arrival("a", 10, partition=1), 0)
    assert told(one.tick(GRACE, read_upto({"b": 0}, GRACE))) == ["10a"]


def test_of_a_new_source_every_topic_with_a_backlog_is_waited_for() -> None:
    one = assembler("abc")
    one.add(arrival("a", 1), 0)
    assert told(one.tick(1000, read_upto({"c": 0}, 1000))) == []
    one.add(arrival("b", 1), 1000)
    assert told(one.tick(1001, read_upto({}, 1001))) == ["1ab"]


def test_a_modality_that_has_gone_past_is_not_waited_for_although_its_topic_has_a_backlog() -> None:
    one = with_history("ab")
    one.add(arrival("b", 11), 0)
    one.add(arrival("a", 10), 0)
    assert told(one.tick(GRACE, read_upto({"a": 0}, GRACE))) == []
    assert told(one.tick(GRACE, read_upto({"b": 0}, GRACE))) == ["11b", "10a"]


def test_the_grace_closes_what_nothing_else_does() -> None:
    one = with_history("ab")
    one.add(arrival("a", 10), 5)
    assert told(one.tick(5 + GRACE - 1)) == []
    assert told(one.tick(5 + GRACE)) == ["10a"]


def test_a_modality_absent_for_some_slots_is_no_longer_expected() -> None:
    one = with_history("ab")
    now = 0
    for slot in range(10, 10 + ABSENT_SLOTS):
        assert told(one.add(arrival("a", slot), now)) == []
        now += GRACE
        assert told(one.tick(now)) == [f"{slot}a"]
    assert told(one.add(arrival("a", 20), now)) == ["20a"]


def test_a_modality_that_comes_back_is_expected_again() -> None:
    one = with_history("a")
    assert told(one.add(arrival("a", 10), 0)) == ["10a"]
    assert told(one.add(arrival("b", 10), 0)) == ["10b!"]
    assert told(one.add(arrival("a", 11), 0)) == []
    assert told(one.add(arrival("b", 11), 0)) == ["11ab"]


def test_a_late_window_goes_alone_under_an_id_of_its_own() -> None:
    one = with_history("ab")
    one.add(arrival("a", 10), 0)
    one.tick(GRACE)
    (group,) = one.add(arrival("b", 10.2), GRACE)
    assert (group.is_late, group.sample_id) == (True, "s@10@b@1020")


def test_a_second_window_of_a_modality_in_a_slot_goes_alone() -> None:
    one = with_history("ab")
    one.add(arrival("a", 10), 0)
    assert told(one.add(arrival("a", 10.4), 0)) == ["10a!"]
    assert told(one.add(arrival("b", 10), 0)) == ["10ab"]


def test_old_windows_that_were_sent_late_still_find_each_other() -> None:
    one = assembler("ab")
    for slot in range(5000, 5010):
        one.add(arrival("a", slot), 0)
        one.add(arrival("b", slot), 0)
    one.add(arrival("a", 20), 0)
    one.add(arrival("a", 21), 0)
    one.add(arrival("a", 5010), 0)
    assert told(one.add(arrival("b", 5010), 0)) == ["5010ab"]
    assert told(one.add(arrival("b", 20), 0)) + told(one.add(arrival("b", 21), 0)) == ["20ab", "21ab"]


def test_one_fast_clock_makes_no_other_source_late() -> None:
    one = assembler("ab")
    groups = []
    for slot in range(10):
        for modality in "ab":
            groups += one.add(arrival(modality, slot + 1000, "fast"), slot * HOP)
            groups += one.add(arrival(modality, slot, "slow"), slot * HOP)
            groups += one.tick(slot * HOP)
    assert len(groups) == 20
    assert not any(group.is_late or len(group.arrivals) < 2 for group in groups)


def test_recalled_slots_are_closed_and_their_modalities_expected() -> None:
    one = assembler()
    one.recall("s", 10, 10 * HOP, ["a", "b"], is_late=False)
    assert told(one.add(arrival("a", 10), 0)) == ["10a!"]
    one.add(arrival("a", 11), 0)
    assert told(one.add(arrival("b", 11), 0)) == ["11ab"]


def test_a_recalled_late_sample_does_not_close_its_slot() -> None:
    one = with_history("ab")
    one.recall("s", 10, 10 * HOP, ["a"], is_late=True)
    one.add(arrival("a", 10), 0)
    assert told(one.add(arrival("b", 10), 0)) == ["10ab"]


def test_flush_closes_everything() -> None:
    one = assembler()
    one.add(arrival("a", 1, "x"), 0)
    one.add(arrival("a", 1, "y"), 0)
    assert told(one.flush()) == ["1a", "1a"]
    assert one.n_open == 0


def test_waiting_windows_take_no_more_room_than_allowed() -> None:
    one = with_history("ab", max_open_bytes=24)  # three windows
    groups = [group for slot in range(10, 20) for group in one.add(arrival("a", slot), 0)]
    assert (told(groups[:4]), one.n_forced) == (["10a", "11a", "12a", "13a"], 4)
    assert one.waiting_bytes.total() <= 24


def test_a_new_source_without_room_is_expected_to_have_what_waits() -> None:
    one = assembler(max_open_bytes=40)  # five windows
    for slot in range(1, 4):
        one.add(arrival("a", slot), 0)
    groups = [group for slot in range(1, 4) for group in one.add(arrival("b", slot), 0)]
    assert (told(groups), one.n_forced) == (["1ab", "2ab", "3ab"], 0)


def test_room_is_made_in_one_partition_only() -> None:
    one = assembler()
    one.add(arrival("a", 1, "x", partition=1), 0)
    one.add(arrival("a", 2, "y", partition=2), 0)
    assert told(one.make_room(lambda: False, partition=2)) == ["2a"]
    assert one.n_open == 1


def test_the_most_silent_source_is_forgotten_first_but_never_one_that_waits() -> None:
    one = assembler("ab", max_sources=2)
    one.add(arrival("a", 1, "waits"), 0)
    for modality in "ab":
        one.add(arrival(modality, 1, "silent"), 0)
    one.add(arrival("a", 1, "new"), 0)
    assert told(one.add(arrival("b", 1, "waits"), 0)) == ["1ab"]
    assert told(one.add(arrival("b", 1, "new"), 0)) == ["1ab"]
    assert told(one.add(arrival("a", 1, "silent"), 0)) == []  # no longer known to be closed


def test_a_source_that_lost_a_sensor_holds_up_nobody_else() -> None:
    one = assembler()
    for source in "012":
        one.recall(source, 0, 0, "ab", is_late=False)
    one.add(arrival("a", 1, "0"), 0)
    for source in ("1", "2"):
        one.add(arrival("a", 1, source), 0)
        assert told(one.add(arrival("b", 1, source), 0)) == ["1ab"]
