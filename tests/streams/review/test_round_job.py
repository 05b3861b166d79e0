"""A round that goes on beside new samples: nobody sees anything of it before it has ended."""

import threading

import numpy as np
import pytest

from streams.history.modality_sets import ModalitySets
from streams.history.table import SampleTable, TableRow
from streams.review.question import Question
from streams.review.round_job import Begun, RoundJob
from streams.review.selection import Selection
from streams.settings import BindingSettings
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=4, n_classes=4)
SAMPLES = list(WORLD.samples(40))
PATIENCE_S = 10.0


def question() -> tuple[Question, ModalitySets]:
    sets = ModalitySets([WORLD.shared])
    return Question(WORLD.specs, [WORLD.shared], BindingSettings(), sets), sets


def job_of(one: Question, sets: ModalitySets, n_samples: int = len(SAMPLES)) -> RoundJob:
    table = SampleTable([TableRow.of(sample) for sample in SAMPLES[:n_samples]])
    codes = np.array([sets.code(row.modalities) for row in table.rows], np.int64)
    begun = Begun(Selection(np.arange(n_samples), np.ones(n_samples, bool)), n_samples, is_judged=True)
    return RoundJob(one, table, codes, begun, version=3)


def knowing(windows: np.ndarray) -> np.ndarray:
    rows = windows.reshape(len(windows), -1)[:, :16]
    unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def test_what_is_said_of_a_table_stands_in_the_jobs_question_alone() -> None:
    one, sets = question()
    before, control = one.calibration, one.control
    job = job_of(one, sets)
    job.start({})
    job.wait()
    assert one.calibration is before
    assert one.control is control
    assert one.comparisons == {}
    assert job.question.calibration is not before
    assert job.question.control is not control
    assert job.question.comparisons == {WORLD.shared: "oriented"}


def test_its_answer_is_the_questions() -> None:
    one, sets = question()
    job = job_of(one, sets)
    job.start({WORLD.shared: knowing})
    asked = one.answer(job_of(one, sets).table, job.codes, {WORLD.shared: knowing}, judged=True)
    found = job.found()
    assert found is not None
    np.testing.assert_array_equal(found.places, asked.places)
    np.testing.assert_array_equal(found.shares, asked.shares)


def test_new_samples_do_not_wait_for_it() -> None:
    may_go_on = threading.Event()

    def slow(windows: np.ndarray) -> np.ndarray:
        assert may_go_on.wait(PATIENCE_S)
        return knowing(windows)

    job = job_of(*question())
    job.start({WORLD.shared: slow})
    may_go_on.set()
    assert job.found() is not None


def test_an_error_in_it_is_raised_where_it_is_ended() -> None:
    def broken(windows: np.ndarray) -> np.ndarray:
        raise ValueError(f"{len(windows)} windows")

    job = job_of(*question())
    job.start({WORLD.shared: broken})
    job.wait()
    with pytest.raises(ValueError, match=f"{len(SAMPLES)} windows"):
        job.found()


@pytest.mark.parametrize("n_samples", [0, 1])
def test_a_table_without_two_samples_has_no_answer(n_samples: int) -> None:
    job = job_of(*question(), n_samples=n_samples)
    job.start({})
    assert job.found() is None
