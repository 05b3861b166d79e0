"""The worker's throughput through a broker, next to apps that do the plain job, and to one that only passes bytes on.

    python -m benchmarks.speed.worker [--windows 8000] [--steps 100,250] [--arms A,B] [--json FILE]

The broker is Apache Kafka where KAFKA_HOME is set, else the embedded one. The same real windows (overlapping ones of
linear acceleration, three channels) lie in the topic before each process starts; a process is timed from its first
message out to its last. The worker's time has both hops in it: windows to samples, samples to Bindings, with all that
binding does; its encoder, a trained version's, is that of the others too. The plain job is: embed, look for the 10
nearest of other sources, insert, one message out. The naive Faust app does it one event at a time, the batch app is a
hand-written loop over what a poll gave, without Faust. With a tenth of the windows bad, these count too.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.command_line import parser_of, some_of, write_json
from benchmarks.speed.processes import (
    PARTITIONS,
    WORKER,
    broker_in,
    cpu_seconds,
    n_out,
    prepared,
    process,
    send,
    wait,
)
from benchmarks.speed.workload import overlapping_windows, spec_of
from deploy.machine.brokers import Broker
from encoders.modality import ModalitySpec
from streams.broker.log import read_all
from streams.messages.codec import decode_many
from streams.messages.topic_names import TopicNames
from streams.records import Binding, SensorWindow

ARMS = {
    "pass_1": ("Faust, bytes passed on", 1),
    "naive_1": ("Faust, naive", 1),
    "batch_1": ("batch loop", 1),
    "batch_32": ("batch loop", 32),
    "worker_1": ("worker", 1),
    "worker_32": ("worker", 32),
    "worker_rejects_32": ("worker, a tenth bad", 32),
}
NAIVE, REJECTS = "naive_1", "worker_rejects_32"
BAD_EVERY = 10
STEPS = ("100", "250")
COLUMNS = ("process", "windows a message", "windows/s", "x naive", "x batch", "CPU us/window", "CPU share", "broker's")


@dataclass(frozen=True, slots=True)
class Figures:
    """What one process did with all windows, from its first message out to its last."""

    windows: int
    seconds: float
    cpu_seconds: float
    broker_cpu_seconds: float

    @property
    def windows_per_s(self) -> float:
        """Throughput, by the broker's clock."""
        return self.windows / self.seconds

    @property
    def cpu_us(self) -> float:
        """Its own CPU time for each window."""
        return 1e6 * self.cpu_seconds / self.windows


def measure(arm: str, broker: Broker, spec: ModalitySpec, windows: Sequence[SensorWindow], folder: Path) -> Figures:
    """Runs one process over all windows of a modality.

    Raises:
        RuntimeError: If it does not finish, or not with one result for each window.
    """
    kind, batch = arm.split("_")[0], ARMS[arm][1]
    settings = prepared(f"{arm}-{spec.n_steps}", broker, spec, folder)
    n_bad = len(windows[::BAD_EVERY]) if arm == REJECTS else 0
    send(settings, partly_bad(windows) if n_bad else windows, batch)
    one = process(kind, settings, broker, folder / f"{arm}-{spec.n_steps}")
    one.start()
    try:
        wait(one, lambda: "given" in one.log_tail())
        before = cpu_seconds(one.pid), cpu_seconds(broker.pid)
        wait(one, lambda: n_out(kind, settings) >= len(windows) - n_bad)
        after = cpu_seconds(one.pid), cpu_seconds(broker.pid)
    finally:
        one.stop()
    names = TopicNames(settings.topics.prefix)
    first = read_all(settings.broker, names.samples if kind == WORKER else names.pairs)
    last = read_all(settings.broker, names.pairs)
    n = sum(not one.round for m in last for one in decode_many(m.value, Binding)) if kind != "pass" else len(windows)
    if n != len(windows) - n_bad:
        raise RuntimeError(f"{arm}: {n} Bindings for {len(windows)} windows, {n_bad} of them bad")
    seconds = (max(m.timestamp_ms for m in last) - min(m.timestamp_ms for m in first)) / 1e3
    return Figures(len(windows), seconds, after[0] - before[0], after[1] - before[1])


def partly_bad(windows: Sequence[SensorWindow]) -> Iterator[SensorWindow]:
    """The windows, every tenth with a value that is no number."""
    for number, one in enumerate(windows):
        if number % BAD_EVERY:
            yield one
        else:
            values = one.values.copy()
            values[-1, -1] = np.nan
            yield msgspec.structs.replace(one, values=values)


def ratios(measured: Mapping[str, Figures]) -> dict[str, float]:
    """How many times as fast as the naive app, and as the batch loop with as many windows a message, the worker is."""
    found = {}
    for arm, (_, batch) in ARMS.items():
        if arm == REJECTS and {arm, "worker_32"} <= measured.keys():
            found["rate_with_rejects"] = measured[arm].windows_per_s / measured["worker_32"].windows_per_s
        elif arm.startswith(WORKER) and arm in measured:
            for name, other in (("naive", NAIVE), ("batch", f"batch_{batch}")):
                if other in measured:
                    key = f"worker_over_{name}_{batch}"
                    found[key] = measured[arm].windows_per_s / measured[other].windows_per_s
    return found


def figures_of(measured: Mapping[int, Mapping[str, Figures]], broker_name: str) -> dict[str, Any]:
    """All of it by the windows' length; at the top level each ratio's least."""
    by_length = {steps: ratios(arms) for steps, arms in measured.items()}
    least = {name: min(found[name] for found in by_length.values()) for name in next(iter(by_length.values()))}
    return {
        "broker": broker_name,
        "cores": os.cpu_count(),
        **least,
        "by_steps": {
            str(steps): {
                **by_length[steps],
                "arms": {
                    arm: {**asdict(one), "windows_per_s": one.windows_per_s, "cpu_us_per_window": one.cpu_us}
                    for arm, one in arms.items()
                },
            }
            for steps, arms in measured.items()
        },
    }


def table(measured: Mapping[str, Figures], title: str) -> Table:
    """A row for each arm."""
    shown = Table(title=title)
    for column in COLUMNS:
        shown.add_column(column, justify="left" if column == "process" else "right")
    for arm, one in measured.items():
        name, batch = ARMS[arm]
        others = (measured.get(NAIVE), measured.get(f"batch_{batch}"))
        times = (f"{one.windows_per_s / other.windows_per_s:.2f}" if other else "-" for other in others)
        used = (f"{one.cpu_seconds / one.seconds:.0%}", f"{one.broker_cpu_seconds / one.seconds:.0%}")
        shown.add_row(name, str(batch), f"{one.windows_per_s:,.0f}", *times, f"{one.cpu_us:.0f}", *used)
    return shown


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: how many windows, how long they are, and which processes."""
    parser = parser_of(__doc__)
    parser.add_argument("--windows", type=int, default=8000)
    parser.add_argument("--steps", type=some_of(STEPS), default="", help=f"of {', '.join(STEPS)}")
    parser.add_argument("--arms", type=some_of(ARMS), default="", help=f"of {', '.join(ARMS)}")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Runs the processes one after the other, prints the tables, writes the figures."""
    asked = arguments(given)
    measured: dict[int, dict[str, Figures]] = {}
    with tempfile.TemporaryDirectory() as name, broker_in(Path(name)) as broker:
        for steps in map(int, asked.steps):
            spec, windows = spec_of(steps), overlapping_windows(steps)[: asked.windows]
            measured[steps] = {arm: measure(arm, broker, spec, windows, Path(name)) for arm in asked.arms}
            title = f"{broker.name}, {len(windows):,} windows of {steps} x 3, {PARTITIONS} partitions"
            Console().print(table(measured[steps], title))
        if asked.json:
            write_json(figures_of(measured, broker.name), asked.json)


if __name__ == "__main__":
    main()
