"""Pairs that are right just as often as they are said to be."""

import numpy as np
import pytest

from benchmarks.learning.mixtures import MIXTURES, is_mixture, mixture
from streams.records import Sample
from tests.support.recorded import binding_of, small_settings
from trainer.replay.buffer import ReplayBuffer


def buffer_of(rule_name: str) -> ReplayBuffer:
    buffer = ReplayBuffer(small_settings(), mixture(rule_name, "acceleration"))
    for place in range(80):
        kind = ("gyroscope", "gravity")[place % 2]
        one = Sample(
            sample_id=f"{kind}@{place}",
            source_id=kind,
            start_ns=place,
            windows={name: np.zeros((2, 1), np.float32) for name in ("acceleration", kind)},
            scaling={},
            label=place // 2 % 4,
        )
        buffer.admit(binding_of(one, ()), one)
    return buffer


@pytest.mark.parametrize(
    ("name", "right", "weight"),
    [("only-20", 0.2, 1.0), ("mixed-20", 0.6, 1.0), ("mixed-100", 1.0, 1.0), ("mixed-none", 1.0, 0.5)],
)
def test_pairs_are_right_as_often_as_they_should_be(name: str, right: float, weight: float) -> None:
    buffer, rng = buffer_of(name), np.random.default_rng(0)
    rule, samples = mixture(name, "acceleration"), list(buffer.samples.values())
    anchors = [samples[int(rng.integers(len(samples)))] for _ in range(2000)]
    drawn = [(anchor, *rule(buffer, anchor, rng)) for anchor in anchors]
    pairs = [(anchor, partner) for anchor, partner, given in drawn if partner is not None and given]
    assert sum(given for *_, given in drawn) / len(drawn) == pytest.approx(weight, abs=0.05)
    assert np.mean([one.label == other.label for one, other in pairs]) == pytest.approx(right, abs=0.05)
    assert all(one.source_id != other.source_id for one, other in pairs)


def test_all_arms_but_the_floor_are_mixtures() -> None:
    assert [arm for arm in MIXTURES if not is_mixture(arm.partition("/")[0])] == ["natural/soft"]
