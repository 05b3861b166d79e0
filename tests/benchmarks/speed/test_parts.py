"""What is told of the parts of a worker's work."""

import pytest
from rich.console import Console

from benchmarks.speed.parts import STAGES, measure, table
from streams.records import SensorWindow


def test_every_part_is_timed_on_real_work(windows: list[SensorWindow]) -> None:
    us = measure(windows, history=100, n=32, warm=12)
    assert us.keys() == STAGES.keys()
    assert all(us[name] > 0 for name in ("intake", "samples", "read", "embed", "search", "choose", "bindings"))


def test_shares_are_of_what_comes_one_after_the_other() -> None:
    us = dict.fromkeys(STAGES, 0.0) | {"intake": 150.0, "search": 50.0, "beside": 100.0}
    console = Console(record=True, width=100)
    console.print(table(us, ""))
    rows = [line.replace("│", " ").split() for line in console.export_text().splitlines()]
    assert ["search", "and", "insert", "50", "25%"] in rows
    assert ["one", "after", "the", "other", "200", "100%"] in rows
    assert next(row for row in rows if row[:1] == ["beside"])[-2:] == ["100", "50%"]


def test_too_few_windows_are_told(windows: list[SensorWindow]) -> None:
    with pytest.raises(ValueError, match=r"144 windows, wanted 100 \+ 12 \+ 64"):
        measure(windows, history=100, n=64, warm=12)
