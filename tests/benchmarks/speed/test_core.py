"""The arms of the core's benchmark, and figures whose ratios are known."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.command_line import write_json
from benchmarks.speed.core import ARMS, figures_of, measure, table
from streams.records import SensorWindow

TOOK = {"a": [200.0, 100.0, 300.0], "b": [50.0, 100.0, 100.0], "c": [25.0, 50.0, 40.0], "d": [60.0] * 3}
TOOK |= {"e": [20.0, 50.0, 60.0], "f": [45.0] * 3}


def test_every_arm_is_timed_in_each_round(windows: list[SensorWindow]) -> None:
    took = measure(windows, history=102, rounds=2, round_windows=18, warm=6)
    assert took.keys() == ARMS.keys()
    assert all(len(values) == 2 and min(values) > 0 for values in took.values())


def test_too_few_windows_are_told(windows: list[SensorWindow]) -> None:
    with pytest.raises(ValueError, match="144 windows, wanted 102 \\+ 6 \\+ 3 x 18"):
        measure(windows, history=102, rounds=3, round_windows=18, warm=6)


def test_ratios_are_medians_of_those_of_each_round(tmp_path: Path) -> None:
    write_json(figures_of(TOOK, sealing=9.0, history=36), tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["core_over_naive"], found["core_over_bare"], found["core_over_top_1"]) == (3.0, 0.5, 0.5)
    assert found["median_us_per_window"]["a"] == 200
    assert found["us_per_window"]["b"] == TOOK["b"]


def test_the_table_has_a_row_for_each_arm() -> None:
    console = Console(record=True, width=120)
    shown = table(TOOK, figures_of(TOOK, sealing=9.0, history=36))
    console.print(shown)
    assert shown.row_count == len(ARMS)
    (core,) = [line for line in console.export_text().splitlines() if "b  core" in line]
    assert core.replace("│", " ").split() == ["b", "core", "100", "100", "10,000", "3.00", "0.50", "0.50"]
