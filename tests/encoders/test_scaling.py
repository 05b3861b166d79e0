import numpy as np
import pytest

from encoders.scaling import IQR_OF_NORMAL, RobustScaler, Scaling, fit_scaling


def windows_of(n_windows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal((5, -1), (2, 0.5), (n_windows, 100, 2)).astype(np.float32)


def test_is_the_median_and_the_spread_of_the_middle_half() -> None:
    windows = windows_of(10)

    scaling = fit_scaling(windows)

    flat = windows.reshape(-1, 2)
    spread = (np.quantile(flat, 0.75, axis=0) - np.quantile(flat, 0.25, axis=0)) / IQR_OF_NORMAL
    assert scaling.center == pytest.approx(np.median(flat, axis=0))
    assert scaling.scale == pytest.approx(spread)
    assert scaling.n_windows == 10


@pytest.mark.parametrize("factor", [0.001, 9.81])
def test_a_change_of_unit_vanishes(factor: float) -> None:
    windows = windows_of(10)

    scaled = fit_scaling(windows * factor).apply(windows * factor)

    assert scaled.dtype == np.float32
    assert scaled == pytest.approx(fit_scaling(windows).apply(windows), abs=1e-4)


def test_a_few_extremes_change_little() -> None:
    windows = windows_of(10)
    spoiled = windows.copy()
    spoiled[0, :5] = 1e6

    assert fit_scaling(spoiled).scale == pytest.approx(fit_scaling(windows).scale, rel=0.05)


def test_a_dead_channel_stays_finite_and_quiet() -> None:
    windows = windows_of(10)
    windows[..., 1] = 3

    scaled = fit_scaling(windows).apply(windows)

    assert np.isfinite(scaled).all() and np.abs(scaled[..., 1]).max() == 0


def test_a_dead_sensor_stays_finite() -> None:
    windows = np.full((2, 10, 1), 7, np.float32)

    assert np.array_equal(fit_scaling(windows).apply(windows), np.zeros((2, 10, 1)))


@pytest.mark.parametrize("shape", [(0, 10, 3), (2, 0, 3), (10, 3)])
def test_refuses_windows_that_are_none(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"wanted \[N, T, C\]"):
        fit_scaling(np.zeros(shape))


def test_each_window_counts_until_there_are_enough() -> None:
    windows, scaler = windows_of(6), RobustScaler(n_fit=4)

    found = [scaler.update(window) for window in windows]

    for n_seen, scaling in enumerate(found[:4], 1):
        assert scaling.scale == pytest.approx(fit_scaling(windows[:n_seen]).scale)
    assert found[4] is found[3] and found[5] is found[3]


def test_goes_on_from_a_scaling_that_was_fixed() -> None:
    fixed = Scaling(center=np.zeros(2, np.float32), scale=np.ones(2, np.float32), n_windows=4)

    assert RobustScaler(n_fit=4, fixed=fixed).update(windows_of(1)[0]) is fixed


def test_refuses_to_fit_on_nothing() -> None:
    with pytest.raises(ValueError, match="n_fit is 0"):
        RobustScaler(n_fit=0)
