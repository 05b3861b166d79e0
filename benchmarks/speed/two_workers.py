"""How much more two workers take in than one, where it is intake that takes the time.

    python -m benchmarks.speed.two_workers [--windows 12000] [--json FILE]

The broker is Apache Kafka where KAFKA_HOME is set, else the embedded one. Real windows (overlapping ones of linear
acceleration), one a message, of a modality that binds nobody: a sample is decoded, checked, scaled, told to be alone.
They lie in the topic before the workers start; what is timed are the samples written after each worker was given its
partitions. Workers and broker share the machine's cores: on two of them the second worker has what the first and the
broker leave.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.command_line import parser_of, write_json
from benchmarks.speed.processes import (
    WORKER,
    broker_in,
    cpu_seconds,
    metric,
    metrics_text,
    prepared,
    process,
    send,
    wait,
)
from benchmarks.speed.workload import SPEC, overlapping_windows
from deploy.machine.brokers import Broker, free_port
from deploy.settings.config import Settings
from streams.broker.log import read_all
from streams.messages.codec import decode_many
from streams.messages.topic_names import TopicNames
from streams.records import Sample, SensorWindow

SHARED = "what-nobody-has"


def measure(n_workers: int, broker: Broker, windows: Sequence[SensorWindow], folder: Path) -> dict[str, float]:
    """Samples a second, and processor time of workers and broker by cores, for so many workers."""
    name = f"intake-{n_workers}"
    settings = prepared(name, broker, SPEC, folder, SHARED)
    send(settings, windows, 1)
    each = [settings_of(settings, folder / f"{name}-{number}") for number in range(n_workers)]
    workers = [process(WORKER, one, broker, Path(one.runtime.data_dir)) for one in each]
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            wait(worker, lambda worker=worker: "given" in worker.log_tail(100))  # type: ignore[misc]
        pids = [*(one.pid for one in workers), broker.pid]
        start_s, before = time.time(), [cpu_seconds(pid) for pid in pids]
        wait(workers[0], lambda: sum(map(n_samples, each)) >= len(windows))
        end_s, after = time.time(), [cpu_seconds(pid) for pid in pids]
    finally:
        for worker in workers:
            worker.stop()
    topic = TopicNames(settings.topics.prefix).samples
    counted = [(m.timestamp_ms / 1e3, len(decode_many(m.value, Sample))) for m in read_all(settings.broker, topic)]
    rate = sum(n for at_s, n in counted if at_s > start_s) / (max(at_s for at_s, _ in counted) - start_s)
    cores = [(late - early) / (end_s - start_s) for early, late in zip(before, after, strict=True)]
    return {"samples_per_s": rate, "cores_of_workers": sum(cores[:-1]), "cores_of_broker": cores[-1]}


def settings_of(settings: Settings, folder: Path) -> Settings:
    """Those of one more worker on the same machine."""
    runtime = settings.runtime.model_copy(update={"data_dir": str(folder), "stream_port": free_port()})
    return settings.model_copy(update={"runtime": runtime})


def n_samples(settings: Settings) -> int:
    """Those that a worker has assembled, as its metrics say."""
    return int(metric(metrics_text(settings.runtime.stream_port), "mmbind_samples_total"))


def figures_of(measured: dict[int, dict[str, float]], broker_name: str) -> dict[str, Any]:
    """Both, and the ratio of their rates."""
    over = measured[2]["samples_per_s"] / measured[1]["samples_per_s"]
    return {"broker": broker_name, "cores": os.cpu_count(), "two_workers_over_one": over, "by_workers": measured}


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: how many windows."""
    parser = parser_of(__doc__)
    parser.add_argument("--windows", type=int, default=12_000)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Runs one worker, then two, says what they did, writes the figures."""
    asked = arguments(given)
    windows = overlapping_windows()[: asked.windows]
    with tempfile.TemporaryDirectory() as name, broker_in(Path(name)) as broker:
        figures = figures_of({n: measure(n, broker, windows, Path(name)) for n in (1, 2)}, broker.name)
    for n, one in figures["by_workers"].items():
        Console().print(
            f"{n} worker{'s' * (n > 1)}: {one['samples_per_s']:,.0f} samples/s, {one['cores_of_workers']:.2f} cores, "
            f"the broker {one['cores_of_broker']:.2f}"
        )
    Console().print(f"two over one: {figures['two_workers_over_one']:.2f}, on {figures['cores']} cores")
    if asked.json:
        write_json(figures, asked.json)


if __name__ == "__main__":
    main()
