"""The worker's throughput through a broker, next to a naive Faust app and to one that only passes bytes on.

    python -m benchmarks.speed.worker [--windows 8000] [--json FILE]

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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from rich.console import Console
from rich.table import Table

from benchmarks.speed.core import HOP_STEPS, SPEC, overlapping_windows
from benchmarks.speed.inputs import messages, publish_first_model
from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import Broker, EmbeddedBroker, free_port
from deploy.machine.process import ChildProcess
from deploy.settings.config import Settings, as_toml
from streams.broker.log import LogReader, read_all
from streams.broker.topics import create_topics
from streams.messages.codec import decode_many
from streams.messages.topic_names import TopicNames
from streams.records import Binding, SensorWindow

PARTITIONS = 4
LIMIT_S = 180.0
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
ARMS = {
    "pass_1": ("Faust, bytes passed on", 1),
    "naive_1": ("Faust, naive", 1),
    "worker_1": ("worker", 1),
    "worker_32": ("worker", 32),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one process."""

    windows: int
    seconds: float
    cpu_seconds: float
    broker_cpu_seconds: float

    @property
    def windows_per_s(self) -> float:
        """Its throughput."""
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
        return int(sum(value for name, value in _metrics(settings.runtime.stream_port) if "bindings_total" in name))
    with LogReader(settings.broker, TopicNames(settings.topics.prefix).pairs) as reader:
        return sum(reader.ends().values())


def _metrics(port: int) -> list[tuple[str, float]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return [(name, float(value)) for name, value in pairs]


def _wait(process: ChildProcess, is_done: Callable[[], bool]) -> None:
    end_s = time.monotonic() + LIMIT_S
    while not is_done():
        if not process.alive or time.monotonic() > end_s:
            raise RuntimeError(f"{process.name} is not done:\n{process.log_tail(40)}")
        time.sleep(0.05 if process.exit_code is None else 0)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, all its threads (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(figures: dict[str, Figures], broker: Broker) -> dict[str, object]:
    """Prints the table, gives the raw figures."""
    naive = figures["naive_1"].windows_per_s
    table = Table(title=f"{broker.name}, {figures['naive_1'].windows:,} windows, {PARTITIONS} partitions")
    for column in (
        "process",
        "windows a message",
        "windows/s",
        "x naive",
        "CPU us/window",
        "CPU share",
        "broker's share",
    ):
        table.add_column(column, justify="left" if column == "process" else "right")
    for arm, one in figures.items():
        name, batch = ARMS[arm]
        shares = (f"{one.cpu_seconds / one.seconds:.0%}", f"{one.broker_cpu_seconds / one.seconds:.0%}")
        speed = (f"{one.windows_per_s:,.0f}", f"{one.windows_per_s / naive:.2f}", f"{one.cpu_us:.0f}")
        table.add_row(name, str(batch), *speed, *shares)
    Console().print(table)
    return {
        "broker": broker.name,
        "cores": os.cpu_count(),
        "arms": {
            arm: {"windows_per_s": one.windows_per_s, "cpu_us_per_window": one.cpu_us, "seconds": one.seconds}
            for arm, one in figures.items()
        },
        "worker_over_naive_1": figures["worker_1"].windows_per_s / naive,
        "worker_over_naive_32": figures["worker_32"].windows_per_s / naive,
    }


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=8000)
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    windows = overlapping_windows()[: given.windows]
    with tempfile.TemporaryDirectory() as name:
        folder, home = Path(name), os.environ.get("KAFKA_HOME")
        broker = (
            KafkaBroker(Path(home), folder / "kafka") if home else EmbeddedBroker(folder / "broker.log", 0, 4 << 30)
        )
        broker.start()
        try:
            figures = {arm: measure(arm, broker, windows, folder) for arm in given.arms}
        finally:
            broker.stop()
    found = report(figures, broker)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
