"""The worker's throughput through a broker, next to a naive Faust app and to one that only passes bytes on.

    python -m benchmarks.speed.worker [--windows 8000] [--arms A,B] [--json FILE]

The broker is Apache Kafka where KAFKA_HOME is set, else the embedded one. The same real windows (overlapping 5 s of
linear acceleration) lie in the topic before each process starts; a process is timed from its first message out to its
last. The worker's time has both hops in it: windows to samples, samples to Bindings; its encoder, a trained version's,
is the naive app's too. The naive app gets one window a message.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from benchmarks.command_line import parser_of, some_of, write_json
from benchmarks.speed.inputs import messages, publish_first_model
from benchmarks.speed.workload import HOP_STEPS, SPEC, overlapping_windows
from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import Broker, EmbeddedBroker, free_port
from deploy.machine.process import ChildProcess
from deploy.settings.config import Settings, as_toml
from streams.broker.log import LogReader, read_all
from streams.broker.topics import create_topics
from streams.messages.codec import decode_many
from streams.messages.topic_names import TopicNames
from streams.records import Binding, SensorWindow

# Of each topic; one worker has them all.
PARTITIONS = 4
# Longer than any arm takes for all windows on a busy machine; then it is stuck.
LIMIT_S = 180.0
LOOK_EVERY_S = 0.05
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
ARMS = {
    "pass_1": ("Faust, bytes passed on", 1),
    "naive_1": ("Faust, naive", 1),
    "worker_1": ("worker", 1),
    "worker_32": ("worker", 32),
}
NAIVE = "naive_1"
COLUMNS = ("process", "windows a message", "windows/s", "x naive", "CPU us/window", "CPU share", "broker's share")


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


def measure(arm: str, broker: Broker, windows: Sequence[SensorWindow], folder: Path) -> Figures:
    """Runs one process over all windows.

    Raises:
        RuntimeError: If it does not finish, or not with one result for each window.
    """
    kind, batch = arm.split("_")[0], ARMS[arm][1]
    settings = _prepared(arm, broker, windows, batch, folder)
    names = TopicNames(settings.topics.prefix)
    process = _process(kind, settings, broker, folder / arm)
    process.start()
    try:
        _wait(process, lambda: "given" in process.log_tail())
        before = cpu_seconds(process.pid), cpu_seconds(broker.pid)
        _wait(process, lambda: _n_out(settings, kind) >= len(windows))
        after = cpu_seconds(process.pid), cpu_seconds(broker.pid)
    finally:
        process.stop()
    first = read_all(settings.broker, names.samples if kind == "worker" else names.pairs)
    last = read_all(settings.broker, names.pairs)
    n = sum(not one.round for m in last for one in decode_many(m.value, Binding)) if kind != "pass" else len(windows)
    if n != len(windows):
        raise RuntimeError(f"{arm}: {n} Bindings for {len(windows)} windows")
    seconds = (max(m.timestamp_ms for m in last) - min(m.timestamp_ms for m in first)) / 1e3
    return Figures(len(windows), seconds, after[0] - before[0], after[1] - before[1])


def _prepared(arm: str, broker: Broker, windows: Sequence[SensorWindow], batch: int, folder: Path) -> Settings:
    """Settings, topics, the model and the windows of one run."""
    modality = {"n_channels": SPEC.n_channels, "n_steps": SPEC.n_steps, "rate_hz": SPEC.rate_hz}
    settings = Settings.model_validate(
        {
            "broker": {"bootstrap_servers": broker.bootstrap_servers},
            "topics": {"prefix": f"{arm.replace('_', '-')}.", "partitions": PARTITIONS, "pair_partitions": PARTITIONS},
            "modalities": {SPEC.name: modality},
            "shared_modality": SPEC.name,
            "ingest": {"hop_s": HOP_STEPS / SPEC.rate_hz},
            "registry": {"root": str(folder / arm / "models")},
            "runtime": {"data_dir": str(folder / arm), "stream_port": free_port()},
        }
    )
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    create_topics(admin, settings)
    admin.close()
    publish_first_model(settings)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, enable_idempotence=False, linger_ms=5)
    topic = TopicNames(settings.topics.prefix).windows(SPEC.name)
    for source_id, value in messages(windows, batch):
        producer.send(topic, key=source_id.encode(), value=value)
    producer.flush()
    producer.close()
    return settings


def _process(kind: str, settings: Settings, broker: Broker, folder: Path) -> ChildProcess:
    folder.mkdir(exist_ok=True)
    if kind == "worker":
        file, command = folder / "mmbind.toml", ["deploy.cli", "stream", "--config"]
        file.write_text(as_toml(settings))
    else:
        file, command = folder / "settings.json", ["benchmarks.speed.faust_apps", kind]
        told = settings.model_dump(mode="json", exclude={"trainer"})
        file.write_text(json.dumps({"settings": told, "is_embedded": not broker.keeps_data}))
    return ChildProcess(kind, [sys.executable, "-m", *command, str(file)], folder / "log.txt", ENVIRONMENT)


def _n_out(settings: Settings, kind: str) -> int:
    """How many results there are, asked so that it costs the process little."""
    if kind == "worker":
        return bindings_in(_metrics_text(settings.runtime.stream_port))
    with LogReader(settings.broker, TopicNames(settings.topics.prefix).pairs) as reader:
        return sum(reader.ends().values())


def _metrics_text(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def bindings_in(metrics: str) -> int:
    """The first Bindings, whatever their outcome, that a worker's metrics count."""
    samples = (sample for family in text_string_to_metric_families(metrics) for sample in family.samples)
    return int(sum(sample.value for sample in samples if sample.name == "mmbind_bindings_total"))


def _wait(process: ChildProcess, is_done: Callable[[], bool]) -> None:
    end_s = time.monotonic() + LIMIT_S
    while not is_done():
        if not process.alive or time.monotonic() > end_s:
            raise RuntimeError(f"{process.name} is not done:\n{process.log_tail(40)}")
        time.sleep(LOOK_EVERY_S)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, all its threads."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def figures_of(measured: Mapping[str, Figures], broker_name: str) -> dict[str, Any]:
    """Throughput and CPU time of each arm, and how many times as fast as the naive app the worker is."""
    naive = measured.get(NAIVE)
    return {
        "broker": broker_name,
        "cores": os.cpu_count(),
        "arms": {
            arm: {"windows_per_s": one.windows_per_s, "cpu_us_per_window": one.cpu_us, "seconds": one.seconds}
            for arm, one in measured.items()
        },
        **{
            f"worker_over_naive_{batch}": measured[arm].windows_per_s / naive.windows_per_s
            for arm, (_, batch) in ARMS.items()
            if arm.startswith("worker") and arm in measured and naive
        },
    }


def table(measured: Mapping[str, Figures], broker_name: str) -> Table:
    """A row for each arm."""
    naive, n_windows = measured.get(NAIVE), next(iter(measured.values())).windows
    shown = Table(title=f"{broker_name}, {n_windows:,} windows, {PARTITIONS} partitions")
    for column in COLUMNS:
        shown.add_column(column, justify="left" if column == "process" else "right")
    for arm, one in measured.items():
        name, batch = ARMS[arm]
        times_naive = f"{one.windows_per_s / naive.windows_per_s:.2f}" if naive else "-"
        shares = (f"{one.cpu_seconds / one.seconds:.0%}", f"{one.broker_cpu_seconds / one.seconds:.0%}")
        shown.add_row(name, str(batch), f"{one.windows_per_s:,.0f}", times_naive, f"{one.cpu_us:.0f}", *shares)
    return shown


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: how many windows, and which processes."""
    parser = parser_of(__doc__)
    parser.add_argument("--windows", type=int, default=8000)
    parser.add_argument("--arms", type=some_of(ARMS), default="", help=f"of {', '.join(ARMS)}")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Runs the processes one after the other, prints the table, writes the figures."""
    asked = arguments(given)
    windows = overlapping_windows()[: asked.windows]
    with tempfile.TemporaryDirectory() as name:
        folder, home = Path(name), os.environ.get("KAFKA_HOME")
        broker = (
            KafkaBroker(Path(home), folder / "kafka") if home else EmbeddedBroker(folder / "broker.log", 0, 4 << 30)
        )
        broker.start()
        try:
            measured = {arm: measure(arm, broker, windows, folder) for arm in asked.arms}
        finally:
            broker.stop()
    Console().print(table(measured, broker.name))
    if asked.json:
        write_json(figures_of(measured, broker.name), asked.json)


if __name__ == "__main__":
    main()
