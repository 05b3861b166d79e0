import numpy as np
import pytest

from streams.review.smoothing import (
    LOOK_ALIKE_SOFTNESS,
    OTHER_LOOK_ALIKES,
    OTHER_SAY,
    OWN_LOOK_ALIKES,
    OWN_SAY,
    smoothed,
)
from streams.similarity.standard_units import hub_corrected, standardised

N, N_CLASSES = 120, 10
RNG = np.random.default_rng(0)
LABELS, SOURCES, SETS = (RNG.integers(n, size=N) for n in (N_CLASSES, 4, 2))
SAME = (LABELS[:, None] == LABELS[None, :]).astype(np.float32)


def noisy(truth: np.ndarray, noise: float, seed: int) -> np.ndarray:
    """The truth, but for noise that is the same seen from both ends."""
    half = np.random.default_rng(seed).normal(size=truth.shape) * noise / np.sqrt(2)
    both: np.ndarray = (truth + half + half.T).astype(np.float32)
    return both


LIKENESS, SCORES = noisy(SAME, 0.4, 1), noisy(SAME, 1.0, 2)


def right(scores: np.ndarray) -> float:
    partners = np.where(SOURCES[:, None] != SOURCES[None, :], scores, -np.inf).argmax(axis=1)
    return float((LABELS[partners] == LABELS).mean())


def test_partners_that_suit_ones_look_alikes_are_right_more_often() -> None:
    assert right(smoothed(SCORES, LIKENESS, SOURCES, SETS)) > right(SCORES) + 0.15


def mixture() -> np.ndarray:
    """Each row's weights, as the docstring has them, written out."""
    near = standardised(hub_corrected(LIKENESS), ~np.eye(N, dtype=bool))
    weights = np.zeros((N, N))
    for row in range(N):
        alike = [one for one in range(N) if one != row and SETS[one] == SETS[row]]
        own = [one for one in alike if SOURCES[one] == SOURCES[row]]
        others = [one for one in alike if SOURCES[one] != SOURCES[row]]
        for usable, most, say in ((own, OWN_LOOK_ALIKES, OWN_SAY), (others, OTHER_LOOK_ALIKES, OTHER_SAY)):
            nearest = sorted(usable, key=lambda one: -near[row, one])[:most]
            shares = np.exp(near[row, nearest] / LOOK_ALIKE_SOFTNESS)
            weights[row, nearest] = say * shares / shares.sum()
        weights[row, row] = 1 - weights[row].sum()
    return weights


def test_both_ends_of_a_pair_are_mixtures_of_look_alikes_with_the_same_modalities() -> None:
    weights = mixture()
    lopsided = (SCORES + RNG.normal(size=(N, N))).astype(np.float32)
    found = smoothed(lopsided, LIKENESS, SOURCES, SETS)
    np.testing.assert_allclose(found, weights @ lopsided @ weights.T, atol=1e-4)


def test_without_look_alikes_a_sample_speaks_for_itself() -> None:
    alone = np.arange(N)
    np.testing.assert_array_equal(smoothed(SCORES, LIKENESS, SOURCES, alone), SCORES)


def test_all_that_is_said_of_all_stays() -> None:
    level = np.full((N, N), 3, np.float32)
    assert smoothed(level, LIKENESS, SOURCES, SETS) == pytest.approx(level, abs=1e-4)
