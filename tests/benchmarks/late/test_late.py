"""The late-modality benchmark on a small synthetic world: the streams are what they say, the figures are paired."""

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmarks.late.command import arguments, find_sets
from benchmarks.late.course import Course, run, settings_for
from benchmarks.late.stream import AFTERWARDS, LateStream, late_stream
from benchmarks.late.table import summary, table
from deploy.recordings.recordings import Recordings, arrange
from streams.testing import SyntheticWorld

NAN = float("nan")


@pytest.fixture(scope="module")
def recordings() -> Recordings:
    world = SyntheticWorld(8, 3, n_complete=8)
    return arrange("synthetic", world.specs.values(), world.windows(12), world.shared)


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


def test_every_cycle_of_the_loop_is_measured_from_the_first_on(recordings: Recordings) -> None:
    stream = stream_of(recordings, "late")
    settings = settings_for(recordings, stream, seed=0, n_steps=12)
    small = settings.trainer.model_copy(update={"dim": 16, "width": 8, "batch_pairs": 8, "cycle_bindings": 12})
    course = run(stream, settings.model_copy(update={"trainer": small}))
    assert course.cycles == sorted(course.cycles)
    before, first, last = course.moments
    assert before < first < last
    assert np.isfinite(course.others).all()
    assert np.isnan(course.at(before, "natural")) and np.isfinite(course.at(first, "natural"))
    assert 0 < course.chance < course.at(last, "others") <= 1
    assert 0 <= course.share_passed(before) <= 1


def test_differences_are_taken_seed_by_seed_at_the_moments_of_the_late_stream() -> None:
    late = [Course([1, 2, 3], [0.2, 0.4, 0.5 + i / 10], [NAN, 0.1, 0.2], [NAN, 0.1, 0.3], [0, 1, 2]) for i in (0, 1)]
    never = [Course([1, 2, 3], [0.2, 0.4, 0.3 + i / 10], [NAN] * 3, [NAN] * 3, [0, 1, 1]) for i in (0, 1)]
    found = summary({"late": late, "never": never})
    assert found["figures"]["late"]["others"]["before"]["mean"] == pytest.approx(20)
    assert found["figures"]["never"]["others"]["after"]["mean"] == pytest.approx(40)
    assert found["figures"]["never"]["bound"]["end"] is None
    assert found["late_less"]["never"]["others"]["values"] == pytest.approx([20, 20])
    assert found["late_less"]["never"]["others"]["sd"] == pytest.approx(0)
    assert (found["passed"]["late"]["mean"], found["passed"]["never"]["mean"]) == (100, 50)
    json.dumps(found, allow_nan=False)
    console = Console(record=True, width=200)
    console.print(table("synthetic", found))
    assert "it never comes" in console.export_text()


def test_an_unknown_arm_is_named_and_a_file_can_be_given(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MMBIND_TEST_DATA", raising=False)
    with pytest.raises(SystemExit):
        arguments(["--arms", "sometimes"])
    assert "sometimes: wanted some of late, never, always" in capsys.readouterr().err
    assert [one.name for one in find_sets(Path("watch"))] == ["watch"]
