"""Figures are means over seeds and paired differences."""

import math

import pytest
from rich.console import Console

from benchmarks.late.course import Course
from benchmarks.late.table import summary, table

NAN = float("nan")


def test_differences_are_taken_seed_by_seed_at_the_moments_of_the_late_stream() -> None:
    late = [Course([1, 2, 3], [0.2, 0.4, 0.5 + i / 10], [NAN, 0.1, 0.2], [NAN, 0.1, 0.3], [0, 1, 2]) for i in (0, 1)]
    never = [Course([1, 2, 3], [0.2, 0.4, 0.3 + i / 10], [NAN] * 3, [NAN] * 3, [0, 1, 1]) for i in (0, 1)]
    found = summary({"late": late, "never": never})
    assert found["figures"]["late"]["others"]["before"].mean == pytest.approx(20)
    assert found["figures"]["never"]["others"]["after"].mean == pytest.approx(40)
    assert math.isnan(found["figures"]["never"]["bound"]["end"].mean)
    assert found["late_less"]["never"]["others"].values == pytest.approx([20, 20])
    assert found["late_less"]["never"]["others"].sd == pytest.approx(0)
    assert (found["passed"]["late"].mean, found["passed"]["never"].mean) == (100, 50)
    console = Console(record=True, width=200)
    console.print(table("synthetic", found))
    assert "it never comes" in console.export_text()
