"""The mean of weights over steps."""

import numpy as np
import pytest
import torch
from torch import nn

from trainer.step.average import WeightAverage


def encoders(*names: str) -> nn.ModuleDict:
    made = nn.ModuleDict({name: nn.Linear(1, 1, bias=False) for name in names})
    fill(made, 0.0)
    return made


def fill(made: nn.ModuleDict, value: float) -> None:
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.fill_(value)


def mean_of(average: WeightAverage, modality: str) -> float:
    return float(average.weights()[modality]["weight"][0, 0])


def test_a_mean_of_share_0_is_the_last_weights() -> None:
    average = WeightAverage(made := encoders("a"), 0.0)
    for value in (3.0, 5.0):
        fill(made, value)
        average.update(["a"])
        assert mean_of(average, "a") == value


def test_first_weights_are_soon_gone_and_later_ones_slowly() -> None:
    average = WeightAverage(made := encoders("a"), 0.9)
    wanted = 0.0
    for n in range(1, 200):
        fill(made, float(n))
        average.update(["a"])
        share = min(0.9, (1 + n) / (10 + n))
        wanted = share * wanted + (1 - share) * n
        assert mean_of(average, "a") == pytest.approx(wanted, rel=1e-4)
    assert mean_of(average, "a") == pytest.approx(199 - 9, abs=0.01), "nine steps behind, as a mean of share 0.9 is"


def test_only_what_has_moved_is_taken_in_and_a_late_one_begins_anew() -> None:
    average = WeightAverage(made := encoders("a", "late"), 0.99)
    fill(made, 1.0)
    for _ in range(500):
        average.update(["a"])
    assert mean_of(average, "late") == 0.0
    average.update(["late"])
    assert mean_of(average, "late") == pytest.approx(1 - 2 / 11)
    assert average.counts == {"a": 500, "late": 1}


def test_weights_are_copies_and_can_be_put_back() -> None:
    average = WeightAverage(encoders("a"), 0.9)
    average.put("a", {"weight": np.full((1, 1), 7, np.float32)})
    average.weights()["a"]["weight"][:] = 0
    assert mean_of(average, "a") == 7.0
