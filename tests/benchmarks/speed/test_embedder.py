"""Figures of the embedder's benchmark, from processes whose times are known."""

import numpy as np
from rich.console import Console

from benchmarks.speed.embedder import Figures, samples_of, table
from streams.records import SensorWindow


def test_the_embedder_is_told_next_to_each_loop() -> None:
    console = Console(record=True, width=140)
    console.print(table({"embedder": Figures(1000, 2.0, 300.0), "loop_1": Figures(1000, 8.0, 900.4)}, "a broker"))
    rows = [line.replace("│", " ").split()[-3:] for line in console.export_text().splitlines() if line.startswith("│")]
    assert rows == [["500", "1.00", "300"], ["125", "4.00", "900"]]


def test_a_sample_is_a_window_in_the_units_of_its_node_so_far(windows: list[SensorWindow]) -> None:
    windows = windows[:60]  # so few that the units are exact
    samples = list(samples_of(windows))
    assert len({one.sample_id for one in samples}) == len(samples) == len(windows)
    last = samples[-1]
    of_its_node = [one.values for one in windows if one.source_id == last.source_id]
    (scaling,) = last.scaling.values()
    assert scaling.n_windows == len(of_its_node)
    assert np.array_equal(next(iter(last.windows.values())), of_its_node[-1])
