"""Mean and sd against the sums written out by hand, and the cells of a table."""

import math

import pytest

from benchmarks.spread import NAN, spread


def test_mean_and_sample_sd_are_those_by_hand() -> None:
    found = spread([1.0, 2.0, 6.0])
    assert (found.mean, found.n) == (3.0, 3)
    assert found.sd == pytest.approx(math.sqrt((4 + 1 + 9) / 2))


def test_what_is_not_a_number_is_left_out_and_keeps_its_place() -> None:
    found = spread([1.0, NAN, 3.0])
    assert (found.mean, found.n) == (2.0, 2)
    assert found.values[0::2] == (1.0, 3.0) and math.isnan(found.values[1])


def test_one_run_has_no_sd_and_none_has_no_mean() -> None:
    assert math.isnan(spread([5.0]).sd)
    assert math.isnan(spread([]).mean)
    assert spread([NAN]).n == 0


def test_order_does_not_matter_and_scale_carries_through() -> None:
    one, other = spread([0.1, 0.5, 0.3]), spread([50, 10, 30])
    assert other.mean == pytest.approx(100 * one.mean) and other.sd == pytest.approx(100 * one.sd)


@pytest.mark.parametrize(
    ("values", "sign", "times", "shown"),
    [
        ([0.5, 0.7], "", 100, "60.0 ± 14.1"),
        ([2.0, 4.0], "+", 1, "+3.0 ± 1.4"),
        ([-2.0], "+", 1, "-2.0"),
        ([], "", 1, "-"),
        ([NAN], "", 1, "-"),
    ],
)
def test_a_cell_shows_what_there_is(values: list[float], sign: str, times: float, shown: str) -> None:
    assert spread(values).cell(sign, times) == shown
