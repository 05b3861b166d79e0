import pickle

import numpy as np
import pytest

from encoders.scaling import IQR_OF_NORMAL, MEMORY, RobustScaler, fit_scaling


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

    found = [scaler.update(window) for window in windows[:4]]

    for n_seen, scaling in enumerate(found, 1):
        assert scaling.scale == pytest.approx(fit_scaling(windows[:n_seen]).scale)
        assert scaling.n_windows == n_seen
    assert scaler.follows


def test_follows_what_its_source_does_later() -> None:
    early, late = windows_of(64), 3 * windows_of(2000, seed=1)
    scaler = RobustScaler(n_fit=32)
    for window in early:
        scaler.update(window)

    half = [scaler.update(window) for window in late[:64]][-1]
    last = [scaler.update(window) for window in late[64:]][-1]

    # As if all had been kept, and later hardly anything of the first is left.
    assert half.scale == pytest.approx(fit_scaling(np.concatenate([early, late[:64]])).scale, rel=0.1)
    assert half.center == pytest.approx(fit_scaling(np.concatenate([early, late[:64]])).center, abs=0.3)
    assert last.scale == pytest.approx(fit_scaling(late).scale, rel=0.1)
    assert last.n_windows == MEMORY


def test_is_as_if_all_windows_were_kept_where_they_change_slowly() -> None:
    windows = windows_of(300) * np.linspace(1, 2, 300)[:, None, None].astype(np.float32)
    scaler = RobustScaler(n_fit=32)

    last = [scaler.update(window) for window in windows][-1]

    assert last.scale == pytest.approx(fit_scaling(windows).scale, rel=0.05)
    assert last.center == pytest.approx(fit_scaling(windows).center, rel=0.05)


def test_a_sensor_that_lay_still_is_not_scaled_by_its_noise_for_long() -> None:
    still, moving = 0.01 * windows_of(1000), windows_of(12, seed=1)
    scaler = RobustScaler(n_fit=32)
    for window in still:
        scaler.update(window)

    found = [scaler.update(window) for window in moving]

    assert np.abs(found[0].apply(moving[0])).mean() > 8
    assert np.abs(found[-1].apply(moving[-1])).mean() < 3


def test_one_wild_channel_of_many_does_not_make_it_forget() -> None:
    windows = np.random.default_rng(0).normal(size=(64, 100, 4)).astype(np.float32)
    wild = windows[0] + 100 * np.array([1, 0, 0, 0], np.float32)
    scaler = RobustScaler(n_fit=32)
    for window in windows:
        scaler.update(window)

    assert scaler.update(wild).n_windows > 60


def test_memory_is_bounded() -> None:
    scaler = RobustScaler(n_fit=4)
    sizes = set()
    for window in windows_of(200):
        scaler.update(window)
        sizes.add(len(pickle.dumps(scaler)))

    assert max(sizes) < 30_000


def test_goes_on_from_a_scaling_of_an_earlier_life() -> None:
    windows = windows_of(200)
    known = fit_scaling(windows)
    scaler = RobustScaler(n_fit=32, known=known)

    assert scaler.follows
    assert scaler.update(windows[0]) is known
    last = [scaler.update(window) for window in windows][-1]
    assert last.scale == pytest.approx(known.scale, rel=0.02)
    assert last.center == pytest.approx(known.center, abs=0.05)


def test_a_scaling_of_too_few_windows_is_begun_anew() -> None:
    scaler = RobustScaler(n_fit=32, known=fit_scaling(windows_of(31)))

    assert not scaler.follows
    assert scaler.update(windows_of(1)[0]).n_windows == 1


def test_refuses_to_fit_on_nothing() -> None:
    with pytest.raises(ValueError, match="n_fit is 0"):
        RobustScaler(n_fit=0)
