"""Windows from samples. Times are in ns; the sensor delivers two channels at 50 Hz, windows of 1 s."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.modality import ModalitySpec
from streams.cutting.cutter import CutWindow, Phase, WindowCutter

SPEC = ModalitySpec(name="gyroscope", n_channels=2, n_steps=50, rate_hz=50)
PERIOD_NS = 20_000_000
S = 1_000_000_000
T0 = 1_700_000_000 * S


def times(n: int, first_ns: int = T0, period_ns: int = PERIOD_NS) -> np.ndarray:
    return first_ns + period_ns * np.arange(n)


def line(t: np.ndarray) -> np.ndarray:
    """What is linear in time is resampled exactly, wherever the samples lie."""
    seconds = (t - T0) / S
    return np.stack([seconds, 3 - 2 * seconds], axis=1)


def cutter(hop_s: float = 1.0, max_gap_s: float | None = None) -> WindowCutter:
    return WindowCutter(SPEC, Phase(hop_s), max_gap_s)


def assert_on_the_line(windows: list[CutWindow]) -> None:
    for window in windows:
        steps = window.start_ns + PERIOD_NS * np.arange(SPEC.n_steps)
        assert window.values.dtype == np.float32
        np.testing.assert_allclose(window.values, line(steps), atol=1e-3)


def starts(windows: list[CutWindow]) -> list[float]:
    return [(window.start_ns - T0) / S for window in windows]


def test_samples_at_the_rate_are_cut_as_they_are() -> None:
    t = times(150)
    values = np.random.default_rng(0).normal(size=(150, 2))
    windows = cutter().push(t, values)
    assert starts(windows) == [0, 1, 2]
    np.testing.assert_array_equal(np.concatenate([one.values for one in windows]), values.astype(np.float32))


def test_windows_overlap_where_the_hop_is_shorter() -> None:
    assert starts(cutter(hop_s=0.25).push(times(101), line(times(101)))) == [0, 0.25, 0.5, 0.75, 1]


def test_windows_leave_out_what_lies_between_where_the_hop_is_longer() -> None:
    windows = cutter(hop_s=2.5).push(times(250), line(times(250)))
    assert starts(windows) == [0, 2.5]
    assert_on_the_line(windows)


@pytest.mark.parametrize("rate_hz", [26, 37.5, 50, 200, 1000])
def test_another_rate_becomes_the_modalitys(rate_hz: float) -> None:
    t = times(round(4.2 * rate_hz), period_ns=round(S / rate_hz))
    windows = cutter().push(t, line(t))
    assert starts(windows) == [0, 1, 2, 3]
    assert_on_the_line(windows)


@given(st.lists(st.integers(1, 60), max_size=20), st.integers(0, 2**32))
def test_it_is_all_one_how_the_samples_are_portioned(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    t = T0 + np.cumsum(rng.choice([1, PERIOD_NS // 2, PERIOD_NS, 5 * PERIOD_NS, -6 * PERIOD_NS], 400, p=PORTIONS))
    values = rng.normal(size=(400, 2))
    whole, parted = cutter(hop_s=0.4), cutter(hop_s=0.4)
    at_once = whole.push(t, values) + whole.flush()
    cuts = np.cumsum(sizes)
    parts = zip(np.split(t, cuts), np.split(values, cuts), strict=True)
    piecemeal = [window for some, rows in parts for window in parted.push(some, rows)] + parted.flush()
    assert starts(piecemeal) == starts(at_once)
    for one, other in zip(piecemeal, at_once, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
    assert (parted.n_gaps, parted.n_left_out) == (whole.n_gaps, whole.n_left_out)


PORTIONS = [0.04, 0.2, 0.74, 0.01, 0.01]


@given(st.integers(0, 2**32), st.floats(0, 0.9))
def test_jitter_and_lost_samples_neither_move_nor_bend_a_window(seed: int, jitter: float) -> None:
    rng = np.random.default_rng(seed)
    t = times(200) + (rng.uniform(-jitter / 2, jitter / 2, 200) * PERIOD_NS).astype(int)
    is_lost = rng.random(200) < 0.2
    is_lost[[0, 49, 99, 149, 199]] = is_lost[2::3] = is_lost[1::4] = False
    windows = (one := cutter()).push(t[~is_lost], line(t[~is_lost])) + one.flush()
    assert len(windows) >= 3 and one.n_gaps == 0
    for window in windows:  # its ends are held, for a period at most
        steps = window.start_ns + PERIOD_NS * np.arange(SPEC.n_steps)
        np.testing.assert_allclose(window.values[1:-1], line(steps)[1:-1], atol=1e-3)
        np.testing.assert_allclose(window.values, line(steps), atol=0.05)


@given(st.integers(0, 2**32))
def test_whatever_the_times_are_windows_lie_in_the_phase_and_none_twice(seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps = rng.choice([PERIOD_NS, 40 * PERIOD_NS, -40 * PERIOD_NS, 7], 2000, p=[0.97, 0.01, 0.01, 0.01])
    t = T0 + np.cumsum(steps)
    windows = cutter(hop_s=0.5).push(t, line(t))
    found = [window.start_ns for window in windows]
    assert all((start_ns - int(t[0])) % (S // 2) == 0 for start_ns in found)
    assert len(set(found)) == len(found)
    assert all(window.values.shape == (50, 2) and np.isfinite(window.values).all() for window in windows)


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_short_gap_is_joined_by_a_line(lost: int) -> None:
    t = np.delete(times(100), np.arange(20, 20 + lost))
    windows = (one := cutter()).push(t, line(t))
    assert starts(windows) == [0, 1] and one.n_gaps == 0
    assert_on_the_line(windows)


def test_a_long_gap_costs_the_windows_that_it_touches_and_no_other() -> None:
    t = np.delete(times(200), np.arange(70, 74))
    windows = (one := cutter()).push(t, line(t))
    assert starts(windows) == [0, 2, 3] and one.n_gaps == 1
    assert_on_the_line(windows)


def test_how_long_a_gap_is_joined_can_be_said() -> None:
    t = np.delete(times(100), np.arange(20, 30))
    assert starts(cutter(max_gap_s=0.25).push(t, line(t))) == [0, 1]
    with pytest.raises(ValueError, match=r"max_gap_s is 0\.01, wanted at least one period, 0\.02 s"):
        cutter(max_gap_s=0.01)


def test_a_clock_that_steps_back_starts_anew_in_the_nodes_phase_and_repeats_no_start() -> None:
    one = cutter()
    assert starts(one.push(times(120), line(times(120)))) == [0, 1]
    back = times(150, T0 + S // 2)  # 1.9 s back
    windows = one.push(back, line(back))
    assert starts(windows) == [2] and one.n_gaps == 1
    assert_on_the_line(windows)


def test_a_clock_that_steps_back_within_a_push_starts_anew_as_well() -> None:
    both = np.concatenate([times(120), times(120, T0 - 10 * S)])
    windows = cutter().push(both, line(both))
    assert starts(windows) == [0, 1, -10, -9]
    assert_on_the_line(windows)


def test_a_line_leads_from_the_sample_before_the_next_start_also_if_it_came_with_the_push_before() -> None:
    # All but the first sample lie between the steps of windows.
    one, t = cutter(), np.concatenate([times(1), times(119, T0 + PERIOD_NS // 2)])
    windows = one.push(t[:60], line(t[:60])) + one.push(t[60:], line(t[60:]))
    assert starts(windows) == [0, 1]
    assert_on_the_line(windows)


def test_a_clock_that_steps_ahead_starts_anew_in_the_nodes_phase() -> None:
    one = cutter()
    one.push(times(20), line(times(20)))
    ahead = times(120, T0 + 3600 * S + 300_000_000)
    assert starts(one.push(ahead, line(ahead))) == [3601]


def test_a_sample_out_of_order_is_left_out() -> None:
    order = [*range(10), 11, 10, 12, 12, *range(13, 50)]
    t = times(50)[order]
    values = line(t)
    values[[11, 13]] = 99
    windows = (one := cutter()).push(t, values)
    assert starts(windows) == [0] and (one.n_gaps, one.n_left_out) == (0, 2)
    assert_on_the_line(windows)


def test_a_row_that_is_not_finite_counts_as_missing() -> None:
    values = line(times(100))
    values[30, 1], values[31, 0], values[60:80, 0] = np.nan, np.inf, np.nan
    windows = (one := cutter()).push(times(100), values)
    assert starts(windows) == [0] and one.n_left_out == 22
    assert_on_the_line(windows)


def test_all_sensors_of_a_node_are_cut_at_the_same_instants() -> None:
    phase = Phase(1.0)
    slow = WindowCutter(SPEC, phase)
    fast = WindowCutter(ModalitySpec(name="sound", n_channels=1, n_steps=100, rate_hz=400), phase)
    late_ns = T0 + 5_000_000  # within a period of its own rate it is no more than held
    assert starts(slow.push(times(100), line(times(100)))) == [0, 1]
    t = times(1000, late_ns - 12_000_000, 2_500_000)
    assert starts(fast.push(t, np.zeros((1000, 1)))) == [0, 1, 2]
    other = WindowCutter(SPEC, phase)
    t = times(100, T0 + 15_000_000)
    assert starts(other.push(t, line(t))) == [0, 1]


def test_two_nodes_have_phases_of_their_own() -> None:
    t = times(50, T0 + 123)
    assert [window.start_ns for window in cutter().push(t, line(t))] == [T0 + 123]


def test_flush_gives_the_window_whose_last_step_alone_is_missing() -> None:
    one = cutter()
    assert one.push(times(49), line(times(49))) == []
    (window,) = one.flush()
    assert window.start_ns == T0 and window.values[-1] == pytest.approx(window.values[-2])
    assert one.flush() == []
    one.push(times(48, T0 + S), line(times(48)))
    assert one.flush() == []


def test_what_it_holds_is_bounded() -> None:
    one = cutter(hop_s=0.3)
    for first in range(0, 100_000, 997):
        t = times(997, T0 + first * PERIOD_NS)
        one.push(t, line(t))
        assert len(one._t) <= SPEC.n_steps + 1
    with pytest.raises(ValueError, match=r"gyroscope: 60000 samples within 5\.9999e-05 s, wanted some 50 a second"):
        cutter().push(times(60_000, period_ns=1), np.zeros((60_000, 2)))


@pytest.mark.parametrize("shape", [(3,), (3, 1), (2, 2)])
def test_shapes_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"gyroscope: shapes are \(3,\) and .*, wanted \[n\] and \[n, 2\]"):
        cutter().push(times(3), np.zeros(shape))


@pytest.mark.parametrize("hop_s", [0, -1, float("nan"), float("inf")])
def test_a_hop_must_be_above_nothing(hop_s: float) -> None:
    with pytest.raises(ValueError, match=r"hop_s is .*, wanted above 0"):
        Phase(hop_s)
