"""Figures of the worker's benchmark, from processes whose times are known."""

import os

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from rich.console import Console

from benchmarks.speed.processes import bindings_in, cpu_seconds
from benchmarks.speed.worker import ARMS, Figures, arguments, figures_of, partly_bad, ratios, table
from streams.records import Binding, SensorWindow
from streams.worker.bind_counts import BindCounts
from streams.worker.metrics import StreamMetrics

MEASURED = {
    "naive_1": Figures(windows=1000, seconds=4.0, cpu_seconds=3.0, broker_cpu_seconds=1.0),
    "worker_1": Figures(windows=1000, seconds=2.0, cpu_seconds=1.0, broker_cpu_seconds=0.5),
}
LONGER = {
    "naive_1": Figures(windows=1000, seconds=6.0, cpu_seconds=3.0, broker_cpu_seconds=1.0),
    "batch_1": Figures(windows=1000, seconds=1.0, cpu_seconds=1.0, broker_cpu_seconds=1.0),
    "worker_1": Figures(windows=1000, seconds=4.0, cpu_seconds=1.0, broker_cpu_seconds=0.5),
}


def test_the_worker_is_as_many_times_as_fast_as_each_app_and_the_least_is_named() -> None:
    found = figures_of({100: MEASURED, 250: {**LONGER}}, "a broker")
    assert found["worker_over_naive_1"] == 1.5
    assert "worker_over_naive_32" not in found
    assert found["by_steps"]["250"]["worker_over_batch_1"] == 0.25
    assert found["by_steps"]["100"]["worker_over_naive_1"] == 2.0
    assert found["by_steps"]["100"]["arms"]["worker_1"]["windows_per_s"] == 500.0
    assert found["by_steps"]["100"]["arms"]["worker_1"]["cpu_us_per_window"] == 1000.0


def test_a_stream_with_bad_windows_is_told_beside_one_without(windows: list[SensorWindow]) -> None:
    bad = [bool(np.isnan(one.values).any()) for one in partly_bad(windows)]
    assert (bad[0], sum(bad), len(bad)) == (True, -(-len(windows) // 10), len(windows))
    assert not any(np.isnan(one.values).any() for one in windows)
    found = ratios({"worker_32": MEASURED["naive_1"], "worker_rejects_32": MEASURED["worker_1"]})
    assert found == {"rate_with_rejects": 2.0}


@pytest.mark.parametrize("arms", [["worker_1"], ["worker_1", "naive_1"]])
def test_the_table_has_a_row_for_each_process_that_was_run(arms: list[str]) -> None:
    console = Console(record=True, width=140)
    console.print(table({arm: MEASURED[arm] for arm in arms}, "a broker"))
    (row,) = [line for line in console.export_text().splitlines() if "│ worker" in line]
    times_naive = "2.00" if "naive_1" in arms else "-"
    assert row.replace("│", " ").split() == ["worker", "1", "500", times_naive, "-", "1000", "50%", "25%"]


def test_only_known_processes_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert arguments([]).arms == list(ARMS)
    with pytest.raises(SystemExit):
        arguments(["--arms", "worker_7"])
    assert "worker_7: wanted some of pass_1, naive_1" in capsys.readouterr().err


def test_first_bindings_are_counted_in_a_workers_metrics() -> None:
    registry = CollectorRegistry()
    metrics = StreamMetrics(registry)
    first = Binding(sample_id="a@1", round=0, model_version=0, outcome="bound")
    again = Binding(sample_id="a@1", round=1, model_version=0, outcome="bound")
    metrics.observe_bound(BindCounts.of([first, first, again], [], 0, {}))
    assert bindings_in(generate_latest(registry).decode()) == 2


def test_cpu_time_of_a_process_grows_with_its_work() -> None:
    before = cpu_seconds(os.getpid())
    sum(i * i for i in range(2_000_000))
    assert cpu_seconds(os.getpid()) > before
