import numpy as np
import pytest

from encoders.modality import ModalitySpec
from streams.similarity.window_likeness import Comparison, WindowLikeness

SPEC = ModalitySpec(name="acceleration", n_channels=3, n_steps=64, rate_hz=10.0)
N = 60


def cuts(furthest: int) -> np.ndarray:
    """Motions in noise, and after them the same ones, each cut `furthest` steps later."""
    rng = np.random.default_rng(0)
    walks = rng.normal(size=(N, 64 + furthest, 3)).cumsum(axis=1)
    walks -= walks.mean(axis=1, keepdims=True)
    both = np.concatenate([walks[:, :64], walks[:, furthest:]])
    windows: np.ndarray = (both + rng.normal(size=both.shape)).astype(np.float32)
    return windows


def likeness(windows: np.ndarray, lag_tolerant: bool = True, comparison: Comparison = "oriented") -> np.ndarray:
    """`[N, N]` of the first half with the second, in units of these pairs."""
    one, among = WindowLikeness(SPEC, lag_tolerant), np.zeros((2 * N, 2 * N), bool)
    among[:N, N:] = among[N:, :N] = True
    return one.likeness(one.described(windows), among, comparison)[:N, N:]


def n_found(likeness: np.ndarray) -> int:
    return int((likeness.argmax(axis=1) == np.arange(N)).sum())


def test_a_motion_cut_later_is_found_in_noise_by_its_best_lag() -> None:
    windows = cuts(furthest=12)
    assert n_found(likeness(windows)) > n_found(likeness(windows, lag_tolerant=False)) + N // 10


@pytest.mark.parametrize("comparison", ["oriented", "rotation-tolerant"])
def test_chance_has_spread_1_however_many_measures_there_are(comparison: Comparison) -> None:
    found = likeness(cuts(furthest=12), comparison=comparison)
    np.testing.assert_allclose([found.mean(), found.std()], [0, 1], atol=1e-4)


def test_only_the_rotation_tolerant_comparison_finds_motions_of_sensors_that_are_rotated() -> None:
    windows = cuts(furthest=2)
    turns = np.linalg.qr(np.random.default_rng(1).normal(size=(N, 3, 3)))[0]
    turns *= np.linalg.det(turns)[:, None, None]
    windows[N:] = windows[N:] @ turns
    assert n_found(likeness(windows, comparison="rotation-tolerant")) > n_found(likeness(windows)) + N // 10
