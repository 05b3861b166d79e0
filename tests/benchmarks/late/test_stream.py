"""The streams are what they say: who has the late modality when."""

import pytest

from benchmarks.late.stream import AFTERWARDS, LateStream, late_stream
from deploy.recordings.recordings import Recordings


def stream_of(recordings: Recordings, arm: str, afterwards: str = "go on") -> LateStream:
    return late_stream(recordings, "gyroscope", arm, afterwards, seed=1)


def first_late_ns(stream: LateStream) -> int:
    return next(one.start_ns for one in stream.windows if one.modality == "gyroscope")


@pytest.mark.parametrize("afterwards", AFTERWARDS)
def test_the_late_modality_comes_after_most_of_the_stream_and_from_sources_of_its_own(
    recordings: Recordings, afterwards: str
) -> None:
    stream = stream_of(recordings, "late", afterwards)
    first_ns = first_late_ns(stream)
    before = [one for one in stream.windows if one.start_ns < first_ns]
    after = [one for one in stream.windows if one.start_ns >= first_ns]
    assert len({(one.source_id, one.start_ns) for one in before}) > stream.n_trained / 2
    late = {one.source_id for one in after if one.modality == "gyroscope"} - {*stream.held_out}
    assert late and not late & {one.source_id for one in before}
    early = {one.source_id for one in before} - {*stream.held_out}
    assert bool(early & {one.source_id for one in after}) == (afterwards == "go on")
    assert not any(one.modality == "gravity" for one in after if one.source_id in late)


def test_where_it_never_comes_all_the_rest_is_the_same(recordings: Recordings) -> None:
    late, never = stream_of(recordings, "late"), stream_of(recordings, "never")
    kept = [one for one in late.windows if one.modality != "gyroscope"]
    assert len(kept) == len(never.windows) < len(late.windows)
    for one, other in zip(kept, never.windows, strict=True):
        assert (one.source_id, one.modality, one.start_ns) == (other.source_id, other.modality, other.start_ns)
        assert one.values is other.values


def test_where_it_always_was_there_the_samples_are_the_same_in_another_order(recordings: Recordings) -> None:
    late, always = stream_of(recordings, "late"), stream_of(recordings, "always")
    assert always.n_trained == late.n_trained
    began = always.windows[0].start_ns
    assert first_late_ns(always) - began < (first_late_ns(late) - began) / 4
    assert (always.held_out, [one.sample_id for one in always.test]) == (
        late.held_out,
        [one.sample_id for one in late.test],
    )


def test_samples_to_judge_on_are_held_out_and_complete(recordings: Recordings) -> None:
    stream = stream_of(recordings, "late")
    assert {one.source_id for one in stream.test} == {*stream.held_out}
    assert all(set(one.windows) == {"acceleration", "gravity", "gyroscope"} for one in stream.test)


def test_a_modality_that_cannot_come_late_is_named(recordings: Recordings) -> None:
    with pytest.raises(ValueError, match="late modality 'acceleration': wanted one of gravity, gyroscope"):
        late_stream(recordings, "acceleration", "late", "stop", 0)
