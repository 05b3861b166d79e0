import numpy as np
import pytest

from encoders.modality import ModalitySpec
from streams.descriptor import Descriptor, moves


def descriptor(n_channels: int = 3, n_steps: int = 200) -> Descriptor:
    return Descriptor(ModalitySpec(name="m", n_channels=n_channels, n_steps=n_steps, rate_hz=50.0))


def waves(n: int, n_channels: int = 3, n_steps: int = 200, seed: int = 0) -> np.ndarray:
    """Windows of whole periods, so that rolling one is the same motion at another moment."""
    rng = np.random.default_rng(seed)
    periods = rng.integers(2, 12, (n, 1, n_channels, 3))
    size, phase = rng.gamma(2, 1, periods.shape), rng.uniform(0, 2 * np.pi, periods.shape)
    angle = 2 * np.pi * periods * np.arange(n_steps)[None, :, None, None] / n_steps
    values: np.ndarray = (size * np.sin(angle + phase)).sum(axis=3).astype(np.float32)
    return values


def test_a_motion_at_another_moment_is_nearly_always_nearest_to_itself() -> None:
    windows = waves(200)
    describe = descriptor()
    similarity = describe(windows) @ describe(np.roll(windows, 37, axis=1)).T
    assert np.mean(similarity.argmax(axis=1) == np.arange(200)) > 0.9
    assert np.median(np.diag(similarity)) > 0.9


def test_units_and_zero_points_cancel() -> None:
    windows = waves(10)
    moved = windows * np.float32(9.81) + np.array([1, -2, 3], np.float32)
    np.testing.assert_allclose(descriptor()(moved), descriptor()(windows), atol=1e-4)


def test_a_channel_that_runs_the_other_way_is_another_motion() -> None:
    windows = waves(1)
    mirrored = windows * np.array([1, 1, -1], np.float32)
    assert (descriptor()(windows) * descriptor()(mirrored)).sum() < 0.9


@pytest.mark.parametrize(("n_channels", "n_steps"), [(1, 8), (1, 200), (3, 250), (6, 120), (60, 60), (192, 5), (3, 1)])
def test_every_shape_gives_unit_rows(n_channels: int, n_steps: int) -> None:
    describe = descriptor(n_channels, n_steps)
    windows = np.random.default_rng(0).normal(size=(5, n_steps, n_channels)).astype(np.float32)
    rows = describe(windows)
    assert rows.shape == (5, describe.dim) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert describe.dim <= 128


@pytest.mark.parametrize("n_channels", [3, 20])
def test_a_rows_bits_do_not_depend_on_its_company(n_channels: int) -> None:
    windows = waves(150, n_channels)
    describe = descriptor(n_channels)
    one_by_one = np.concatenate([describe(windows[i : i + 1]) for i in range(150)])
    assert np.array_equal(describe(windows), one_by_one)


def test_a_window_that_stands_still_does_not_move_and_becomes_zeros() -> None:
    still = np.full((1, 200, 3), 9.81, np.float32)
    assert not moves(still)[0]
    assert not descriptor()(np.zeros_like(still)).any()
    assert moves(waves(3)).all()


def test_refuses_windows_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"wanted \(N, 200, 3\)"):
        descriptor()(np.zeros((2, 100, 3), np.float32))
