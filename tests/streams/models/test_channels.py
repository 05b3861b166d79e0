import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.manifest import BundleFile, ModelManifest
from encoders.modality import ModalitySpec
from streams.models.channels import ChannelView, decision_record, move_record, version_record
from streams.records import ChannelMove, Decision


def manifest(version: int, sha256: str = "00") -> ModelManifest:
    return ModelManifest(
        version=version,
        parent=version - 1,
        created_ns=1,
        modalities=(ModalitySpec(name="gyroscope", n_channels=3, n_steps=8, rate_hz=50),),
        shared_modality="gyroscope",
        dim=4,
        files=(BundleFile(name=f"v{version}/gyroscope.safetensors", size_bytes=1, sha256=sha256),),
    )


def move(seq: int, version: int, replaces: int, unique: str) -> tuple[bytes, bytes]:
    record = ChannelMove(channel="stable", seq=seq, version=version, replaces=replaces, reason="", by="test", at_ns=0)
    return f"channel/stable/{seq}/{unique}".encode(), msgspec.json.encode(record)


def filled(*records: tuple[bytes, bytes | None]) -> ChannelView:
    view = ChannelView()
    for offset, (key, value) in enumerate(records):
        view.apply(key, value, offset)
    return view


def test_knows_nothing_before_the_first_record() -> None:
    view = ChannelView()
    assert (view.current("stable"), view.history("stable"), view.next_version) == (None, [], 1)


def test_takes_up_versions_decisions_and_moves() -> None:
    view = filled(
        version_record(manifest(1)),
        decision_record(Decision(version=1, passed=True, reason="better")),
        move(1, 1, 0, "a"),
    )
    assert view.manifests == {1: manifest(1)}
    assert view.decisions[1].passed
    assert view.channels == {"stable": 1}


def test_refuses_a_version_that_comes_again_with_other_files() -> None:
    view = filled(version_record(manifest(1, "aa")))
    refusal = view.apply(*version_record(manifest(1, "bb")), 1)
    assert refusal is not None
    assert "never change" in refusal.reason
    assert view.manifests[1].files[0].sha256 == "aa"


def test_a_version_that_comes_again_unchanged_is_no_change() -> None:
    view = filled(version_record(manifest(1)))
    assert view.apply(*version_record(manifest(1)), 1) is None


def test_of_two_moves_with_one_seq_the_first_in_the_log_wins() -> None:
    first, second = move(1, 1, 0, "a"), move(1, 2, 0, "b")
    view = filled(first, second)
    assert view.current("stable") == 1
    assert (view.counted(first[0]), view.counted(second[0])) == (True, False)


def test_a_move_that_does_not_replace_the_current_version_is_void() -> None:
    view = filled(move(1, 1, 0, "a"))
    refusal = view.apply(*move(2, 3, 2, "b"), 1)
    assert refusal is not None
    assert refusal.reason == "it replaces version 2, but 'stable' is at 1"
    assert view.current("stable") == 1


def test_a_void_move_stays_void_when_its_predecessor_comes_later() -> None:
    view = filled(move(2, 2, 1, "early"), move(1, 1, 0, "a"))
    assert view.current("stable") == 1


def test_goes_back_to_the_previous_version() -> None:
    view = filled(move(1, 1, 0, "a"), move(2, 2, 1, "b"))
    key, value = move_record(view, "stable", 1, "worse in the field", "me", 5)
    assert view.apply(key, value, 2) is None
    assert view.current("stable") == 1
    assert [one.version for one in view.history("stable")] == [1, 2, 1]


def test_a_move_applied_twice_counts_once() -> None:
    view = filled(move(1, 1, 0, "a"), move(1, 1, 0, "a"))
    assert len(view.history("stable")) == 1


def test_a_tombstone_removes_a_version_and_its_number_is_not_used_again() -> None:
    view = filled(version_record(manifest(4)), (b"version/4", None))
    assert view.manifests == {}
    assert view.next_version == 5


@pytest.mark.parametrize(
    "poison",
    [
        (b"version/999999999999999999", None),
        (b"decision/999999999999999999", None),
        version_record(manifest(999999999999999999)),
        (b"channel/x/1/a", b'{"channel":"x","seq":1,"version":%d,"replaces":0,"reason":"","by":"","at_ns":1}' % 10**18),
    ],
)
def test_a_number_far_beyond_all_others_does_not_end_the_counting(poison: tuple[bytes, bytes | None]) -> None:
    view = filled(version_record(manifest(4)))
    refused = view.apply(*poison, 1)
    assert refused is not None and "version" in refused.reason
    assert view.next_version == 5
    assert view.channels == {}


def test_a_record_of_a_later_major_changes_nothing_and_one_of_a_later_minor_counts() -> None:
    key, value = version_record(manifest(4))
    later = filled((key, value.replace(b'"schema":"1.0"', b'"schema":"1.8","of_a_later_release":[1]')))
    assert later.manifests.keys() == {4}
    view = filled()
    refused = view.apply(key, value.replace(b'"schema":"1.0"', b'"schema":"2.0"'), 0)
    assert refused is not None and "install the release that wrote it" in refused.reason
    assert view.manifests == {}


def test_a_tombstone_does_not_undo_a_move() -> None:
    key, value = move(1, 1, 0, "a")
    view = filled((key, value))
    assert view.apply(key, None, 1) is not None
    assert view.current("stable") == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"\xff\xfe", b"{}"),
        (b"version/-1", b"{}"),
        (b"version/1", b"not json"),
        (b"version/1", b"{}"),
        (b"version/2", version_record(manifest(1))[1]),
        (b"decision/2", decision_record(Decision(version=1, passed=True, reason=""))[1]),
        (b"channel/stable/2/a", move(1, 1, 0, "a")[1]),
        (b"channel/other/1/a", move(1, 1, 0, "a")[1]),
        (b"channel/../1/a", move(1, 1, 0, "a")[1]),
    ],
)
def test_refuses_what_it_cannot_read_and_stays_as_it_was(key: bytes, value: bytes) -> None:
    view = ChannelView()
    refusal = view.apply(key, value, 7)
    assert refusal is not None
    assert refusal.offset == 7
    assert (view.manifests, view.decisions, view.channels) == ({}, {}, {})


def test_refuses_to_move_a_channel_whose_name_would_break_the_key() -> None:
    with pytest.raises(ValueError, match="lower-case"):
        move_record(ChannelView(), "a/b", 1, "", "", 0)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3), st.integers(0, 3)), max_size=12))
def test_the_moves_that_count_are_a_chain(raw: list[tuple[int, int, int]]) -> None:
    view = filled(*(move(seq, version, replaces, f"{i:x}") for i, (seq, version, replaces) in enumerate(raw)))
    at = 0
    for seq, one in enumerate(view.history("stable"), start=1):
        assert (one.seq, one.replaces) == (seq, at)
        at = one.version
