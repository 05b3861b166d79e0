"""How long a window takes from its sender to a consumer that reads its first Binding.

    python -m benchmarks.speed.latency [--history 5000] [--rate 200] [--seconds 15] [--arms A,B] [--json FILE]

The broker is Apache Kafka where KAFKA_HOME is set, else the embedded one. A process takes up a history; then messages
of one window come at a steady rate, and each is timed from its `send` to the moment at which a plain consumer has its
Binding decoded: for a worker through both hops. While they come the worker asks earlier samples again as always, and
after a third of the time another version of the model is published, built beside the stream and swapped in.
"""

import argparse
import re
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kafka import KafkaConsumer, KafkaProducer
from rich.console import Console
from rich.table import Table

from benchmarks.command_line import parser_of, some_of, write_json
from benchmarks.speed.inputs import publish_model
from benchmarks.speed.processes import (
    LIMIT_S,
    broker_in,
    metric,
    metrics_text,
    n_out,
    prepared,
    process,
    send,
    wait,
)
from benchmarks.speed.workload import SPEC, overlapping_windows
from deploy.machine.brokers import Broker
from deploy.settings.config import Settings
from streams.messages.codec import decode_many, encode
from streams.messages.topic_names import TopicNames
from streams.records import Binding, SensorWindow

ARMS = {"naive": "Faust, naive", "batch": "batch loop", "worker": "worker"}
PERCENTILES = (50, 90, 99, 100)
# Nothing is timed in the first moments after the pause between history and stream.
SETTLE_S = 2.0


class Arrivals:
    """Reads first Bindings as they come, in a thread of its own, and notes by sample when."""

    def __init__(self, settings: Settings) -> None:
        self.at_s: dict[str, float] = {}
        self._topic = TopicNames(settings.topics.prefix).pairs
        self._consumer = KafkaConsumer(
            self._topic, bootstrap_servers=settings.broker.bootstrap_servers, auto_offset_reset="latest"
        )
        while not self._consumer.poll(timeout_ms=100) and not self._consumer.assignment():
            pass
        self._consumer.seek_to_end()
        for one in self._consumer.assignment():
            self._consumer.position(one)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends reading."""
        self._is_over.set()
        self._thread.join()
        self._consumer.close()

    def _read(self) -> None:
        while not self._is_over.is_set():
            for messages in self._consumer.poll(timeout_ms=100).values():
                for message in messages:
                    bindings = decode_many(message.value, Binding)
                    now_s = time.perf_counter()
                    for one in bindings:
                        if not one.round:
                            self.at_s[one.sample_id] = now_s


def place_of(id_: str) -> tuple[str, int]:
    """Source and place in its stream of a sample, by the worker's ids and by the naive app's."""
    source, *_, place = re.split("[@/]", id_)
    return source, int(place)


def stream(settings: Settings, windows: Sequence[SensorWindow], rate_hz: float) -> dict[str, list[float]]:
    """Sends windows one by one at that rate; when each was sent, by source and in order."""
    producer = KafkaProducer(bootstrap_servers=settings.broker.bootstrap_servers, enable_idempotence=False, linger_ms=0)
    topic = TopicNames(settings.topics.prefix).windows(settings.shared_modality)
    producer.partitions_for(topic)
    sent_s: dict[str, list[float]] = {}
    start_s = time.perf_counter()
    for number, window in enumerate(windows):
        time.sleep(max(0.0, start_s + number / rate_hz - time.perf_counter()))
        value = encode(window)
        sent_s.setdefault(window.source_id, []).append(time.perf_counter())
        producer.send(topic, key=window.source_id.encode(), value=value)
    producer.flush()
    producer.close()
    return sent_s


def latencies_ms(sent_s: Mapping[str, Sequence[float]], at_s: Mapping[str, float]) -> np.ndarray:
    """Milliseconds of each window, in the order in which they were sent; each source's windows were sent in order."""
    came_s: dict[str, list[float]] = {source: [] for source in sent_s}
    for (source, _), came in sorted((place_of(id_), came) for id_, came in at_s.items()):
        came_s[source].append(came)
    both = sorted(
        (sent, came) for source, own in sent_s.items() for sent, came in zip(own, came_s[source], strict=True)
    )
    return np.array([1e3 * (came - sent) for sent, came in both])


def measure(
    kind: str,
    broker: Broker,
    history: Sequence[SensorWindow],
    windows: Sequence[SensorWindow],
    rate_hz: float,
    folder: Path,
) -> dict[str, Any]:
    """Latencies of the windows after that history, in one process.

    Raises:
        RuntimeError: If not every window has its Binding in time.
    """
    settings = prepared(f"latency-{kind}", broker, SPEC, folder)
    send(settings, history, 32 if kind == "worker" else 1)
    one = process(kind, settings, broker, folder / f"latency-{kind}")
    one.start()
    try:
        wait(one, lambda: n_out(kind, settings) >= len(history))
        time.sleep(SETTLE_S)
        arrivals = Arrivals(settings)
        swap = threading.Timer(len(windows) / rate_hz / 3, publish_model, (settings, 2))
        swap.start()
        sent_s = stream(settings, windows, rate_hz)
        end_s = time.monotonic() + LIMIT_S
        while len(arrivals.at_s) < len(windows) and time.monotonic() < end_s:
            time.sleep(0.05)
        arrivals.close()
        found = latencies_ms(sent_s, arrivals.at_s)
        text = metrics_text(settings.runtime.stream_port) if kind == "worker" else ""
    finally:
        one.stop()
    return {
        "ms": found.tolist(),
        "swaps": int(metric(text, "mmbind_generation_swaps_total")) if text else 0,
        **{f"p{one}_ms": float(np.percentile(found, one)) for one in PERCENTILES},
    }


def figures_of(measured: Mapping[str, Mapping[str, Any]], broker_name: str, rate_hz: float) -> dict[str, Any]:
    """All latencies; the worker's percentiles at the top level."""
    worker = measured.get("worker", {})
    named = {f"latency_p{one}_ms": worker[f"p{one}_ms"] for one in PERCENTILES if worker}
    return {"broker": broker_name, "rate_hz": rate_hz, **named, "arms": dict(measured)}


def table(measured: Mapping[str, Mapping[str, Any]], title: str) -> Table:
    """A row for each process."""
    shown = Table(title=title)
    for column in (
        "process",
        *(f"p{one} ms" if one < 100 else "longest ms" for one in PERCENTILES),
        "swaps",
    ):
        shown.add_column(column, justify="left" if column == "process" else "right")
    for kind, one in measured.items():
        shown.add_row(ARMS[kind], *(f"{one[f'p{p}_ms']:.1f}" for p in PERCENTILES), str(one["swaps"]))
    return shown


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read."""
    parser = parser_of(__doc__)
    parser.add_argument("--history", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=200.0, help="windows a second")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--arms", type=some_of(ARMS), default="", help=f"of {', '.join(ARMS)}")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Runs the processes one after the other, prints the table, writes the figures."""
    asked = arguments(given)
    every = overlapping_windows()
    n_timed = round(asked.rate * asked.seconds)
    history, windows = every[: asked.history], every[asked.history : asked.history + n_timed]
    measured: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name, broker_in(Path(name)) as broker:
        for kind in asked.arms:
            measured[kind] = measure(kind, broker, history, windows, asked.rate, Path(name))
        title = f"{broker.name}, {len(history):,} of history, then {asked.rate:g} windows/s for {asked.seconds:g} s"
        Console().print(table(measured, title))
        if asked.json:
            write_json(figures_of(measured, broker.name, asked.rate), asked.json)


if __name__ == "__main__":
    main()
