"""Whose answer a round changes, and who is asked at all."""

import numpy as np
import pytest

from streams.arrival.first_round import FirstAnswer
from streams.precision.calibration import Calibration
from streams.records import Partner, Sample
from streams.review.review import NOTEWORTHY, Review
from streams.settings import BindingSettings, IndexSettings
from tests.support.rounds import SAMPLES, WORLD

NOBODY = np.zeros(0, np.int64), np.zeros(0, np.float32)


def review(**changes: object) -> Review:
    binding, index = BindingSettings.model_validate(changes), IndexSettings(history_samples=100)
    return Review(WORLD.specs, [WORLD.shared], WORLD.settings(binding=binding, index=index))


def told(one: Review) -> set[str]:
    one.begin_round()
    return {answer.sample_id for answer in one.end_round().answers}


def kinds() -> tuple[list[Sample], list[Sample]]:
    """Samples of one kind of node, and of all others."""
    first = SAMPLES[0].windows.keys()
    same = [one for one in SAMPLES if one.windows.keys() == first]
    return same, [one for one in SAMPLES if one.windows.keys() != first]


def test_who_was_bound_to_another_kind_keeps_that_when_the_history_has_none_left() -> None:
    same, others = kinds()
    one = review()
    one.append(others[0], FirstAnswer((), 0, -1, *NOBODY))
    partner = Partner(sample_id=others[0].sample_id, similarity=0.5, probability=1.0)
    bound = FirstAnswer((partner,), 1, 0, np.array([0]), np.array([1.0], np.float32))
    one.append(same[0], bound)
    for sample in same[1:100]:
        one.append(sample, None)
    found = told(one)
    assert same[0].sample_id not in found
    assert {sample.sample_id for sample in same[1:100]} == found


def test_an_answer_is_told_again_where_it_is_surer_by_much_and_only_there(monkeypatch: pytest.MonkeyPatch) -> None:
    sure = {"by": 0.5}
    monkeypatch.setattr(Calibration, "confidence", lambda _, sureness, kinds: np.full(sureness.shape, sure["by"]))
    one = Review(WORLD.specs, [WORLD.shared], WORLD.settings())
    for sample in SAMPLES:
        one.append(sample, None)
    everybody = told(one)
    assert one.estimate.state == "estimated" and len(everybody) > 600
    sure["by"] = 0.5 + NOTEWORTHY / 2
    assert not told(one)
    sure["by"] = 0.9
    assert told(one) == everybody


def scattered(windows: np.ndarray) -> np.ndarray:
    """An encoder that finds others alike than all else does."""
    rows = windows.reshape(len(windows), -1) @ np.random.default_rng(3).normal(size=(windows[0].size, 16))
    unit: np.ndarray = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)).astype(np.float32)
    return unit


def test_old_samples_are_asked_again_after_a_swap_and_only_then() -> None:
    one = review(review_samples=40)
    for sample in SAMPLES[:90]:
        one.append(sample, None)
    assert told(one)
    assert not told(one)
    one.use(dict.fromkeys(WORLD.specs, scattered))
    assert told(one)
