"""Samples a second of `mmbind embeddings serve`, next to a loop that one writes by hand around a ModelFollower.

    python -m benchmarks.speed.embedder [--samples 8000] [--json FILE]

The broker is Apache Kafka where KAFKA_HOME is set, else the embedded one. The same real windows of 250 steps lie in the
topic `samples`, one a message as a worker writes them while little comes, before each process starts; a process is
timed from its first embedding to its last. The loops embed one sample at a time, and up to 64 together.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from kafka import KafkaProducer
from rich.console import Console
from rich.table import Table

from benchmarks.command_line import parser_of, write_json
from benchmarks.speed.growth import samples_of
from benchmarks.speed.processes import broker_in, cpu_seconds, prepared, process, wait
from benchmarks.speed.workload import SPEC, overlapping_windows
from deploy.machine.brokers import Broker
from streams.broker.log import LogReader, read_all
from streams.messages.codec import encode
from streams.messages.topic_names import TopicNames
from streams.records import Sample

ARMS = {
    "embedder": "mmbind embeddings serve",
    "loop_1": "loop by hand, one at a time",
    "loop_64": "loop by hand, up to 64 together",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What one process did with all samples, from its first embedding to its last, by the broker's clock."""

    samples: int
    seconds: float
    cpu_us_per_sample: float

    @property
    def samples_per_s(self) -> float:
        """Throughput."""
        return self.samples / self.seconds


def measure(arm: str, broker: Broker, samples: Sequence[Sample], folder: Path) -> Figures:
    """Runs one process over all samples.

    Raises:
        RuntimeError: If it does not finish.
    """
    settings = prepared(arm, broker, SPEC, folder)
    names = TopicNames(settings.topics.prefix)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, enable_idempotence=False, linger_ms=5)
    for one in samples:
        producer.send(names.samples, key=one.source_id.encode(), value=encode(one))
    producer.close()
    running = process(arm, settings, broker, folder / arm)
    running.start()
    with LogReader(settings.broker, names.embeddings) as reader:

        def n_out() -> int:
            return sum(reader.ends().values())

        try:
            wait(running, lambda: n_out() > 0)
            before, n_before = cpu_seconds(running.pid), n_out()
            wait(running, lambda: n_out() >= len(samples))
            used = cpu_seconds(running.pid) - before
        finally:
            running.stop()
    times = [one.timestamp_ms for one in read_all(settings.broker, names.embeddings)]
    return Figures(len(samples), (max(times) - min(times)) / 1e3, 1e6 * used / (len(samples) - n_before))


def table(measured: Mapping[str, Figures], title: str) -> Table:
    """A row for each arm."""
    shown = Table(title=title)
    for column in ("process", "samples/s", "embedder's next to it", "CPU us/sample"):
        shown.add_column(column, justify="left" if column == "process" else "right")
    ours = measured["embedder"].samples_per_s
    for arm, one in measured.items():
        times = f"{ours / one.samples_per_s:.2f}"
        shown.add_row(ARMS[arm], f"{one.samples_per_s:,.0f}", times, f"{one.cpu_us_per_sample:.0f}")
    return shown


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: how many samples."""
    parser = parser_of(__doc__)
    parser.add_argument("--samples", type=int, default=8000)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Runs the processes one after the other, prints the table, writes the figures."""
    asked = arguments(given)
    samples = list(samples_of(overlapping_windows()[: asked.samples], [frozenset()]))
    with tempfile.TemporaryDirectory() as name, broker_in(Path(name)) as broker:
        measured = {arm: measure(arm, broker, samples, Path(name)) for arm in ARMS}
        Console().print(table(measured, f"{broker.name}, {len(samples):,} samples of {SPEC.n_steps} x 3"))
        if asked.json:
            figures = {arm: asdict(one) | {"samples_per_s": one.samples_per_s} for arm, one in measured.items()}
            write_json({"broker": broker.name, "arms": figures}, asked.json)


if __name__ == "__main__":
    main()
