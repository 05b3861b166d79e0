"""How latencies are told from what was sent and what came."""

import numpy as np
import pytest
from rich.console import Console

from benchmarks.speed.latency import arguments, figures_of, latencies_ms, place_of, table

MEASURED = {
    "naive": {"ms": [3.0], "swaps": 0, "p50_ms": 3.0, "p90_ms": 3.5, "p99_ms": 4.0, "p100_ms": 5.0},
    "worker": {"ms": [8.0], "swaps": 1, "p50_ms": 8.0, "p90_ms": 9.0, "p99_ms": 20.0, "p100_ms": 30.25},
}


def test_bindings_belong_to_the_windows_of_their_source_whatever_order_they_came_in() -> None:
    sent = {"a": [0.0, 1.0], "b": [0.5]}
    at = {"a@10": 1.125, "b@3": 1.5, "a@9": 0.25}
    assert np.allclose(latencies_ms(sent, at), [250, 1000, 125])


def test_a_window_without_its_binding_is_told() -> None:
    with pytest.raises(ValueError, match="zip"):
        latencies_ms({"a": [0.0, 1.0]}, {"a@9": 0.25})


def test_places_are_found_in_the_ids_of_each_process() -> None:
    assert place_of("person-01-left@17") == ("person-01-left", 17)
    assert place_of("person-01-left/acceleration/99") == ("person-01-left", 99)


def test_the_workers_percentiles_are_named() -> None:
    found = figures_of(MEASURED, "a broker", 200.0)
    assert (found["latency_p50_ms"], found["latency_p99_ms"]) == (8.0, 20.0)
    assert "latency_p50_ms" not in figures_of({"naive": MEASURED["naive"]}, "a broker", 200.0)


def test_the_table_has_a_row_for_each_process() -> None:
    console = Console(record=True, width=140)
    console.print(table(MEASURED, "a broker"))
    (row,) = [line for line in console.export_text().splitlines() if "│ worker" in line]
    assert row.replace("│", " ").split() == ["worker", "8.0", "9.0", "20.0", "30.2", "1"]


def test_all_processes_are_run_unless_some_are_asked_for() -> None:
    assert arguments([]).arms == ["naive", "batch", "worker"]
    assert arguments(["--arms", "worker"]).arms == ["worker"]
