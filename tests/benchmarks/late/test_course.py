"""The product's loop on a stream with a late modality, measured whenever a cycle has ended."""

import numpy as np
import pytest

from benchmarks.late.course import Course, run, settings_for
from benchmarks.late.stream import late_stream
from deploy.recordings.recordings import Recordings

NAN = float("nan")


def test_every_cycle_of_the_loop_is_measured_from_the_first_on(recordings: Recordings) -> None:
    stream = late_stream(recordings, "gyroscope", "late", "go on", seed=1)
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


def test_moments_are_before_at_and_after_the_late_modality() -> None:
    course = Course([1, 2, 3, 5], [0.1] * 4, [NAN, NAN, 0.2, 0.3], [NAN, NAN, 0.1, 0.2], [0, 1, 1, 3])
    assert course.moments == (2, 3, 5)
    assert course.at(4, "natural") == 0.2
    # Of three cycles after the second one a version passed: the first candidate was version 1 already.
    assert course.share_passed(2) == pytest.approx(1 / 3)


def test_where_it_never_comes_there_is_a_first_and_a_last_cycle() -> None:
    assert Course([1, 2], [0.1, 0.2], [NAN, NAN], [NAN, NAN], [0, 0]).moments == (2, 2, 2)
