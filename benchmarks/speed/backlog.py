"""Does a backlog cost pairs? How many natural pairs a worker splits that reads old topics from their beginning.

    python -m benchmarks.speed.backlog [--windows 100000] [--lead-s 3600] [--together 64] [--json FILE]

Synthetic sensors, some of which lack one of three modalities, have written everything before the worker starts. The
shared modality lies in messages of `--together` windows and the others in messages of one, so it is read that much
faster; and it was written `--lead-s` further than the others. The broker is Apache Kafka where KAFKA_HOME is set, else
the embedded one. Printed are the windows lost, those in two samples, and the samples of which parts came apart.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from benchmarks.command_line import parser_of, write_json
from benchmarks.speed.inputs import messages
from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import Broker, EmbeddedBroker
from deploy.machine.process import ChildProcess
from deploy.settings.config import Settings, as_toml
from streams.broker.log import LogReader
from streams.broker.topics import create_topics
from streams.messages.codec import decode_many
from streams.messages.topic_names import TopicNames
from streams.records import Sample, SensorWindow
from streams.testing import NS_PER_S, SyntheticWorld

N_SOURCES = 50
PARTITIONS = 4
# Nothing new came for so long: the worker is done, or stuck.
SILENCE_S = 60.0
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


def settings_for(world: SyntheticWorld, broker: Broker, folder: Path) -> Settings:
    """A worker's settings, with a short history: binding is not what is looked at."""
    sections = world.settings().model_dump(include={"modalities", "shared_modality", "ingest"})
    return Settings.model_validate(
        sections
        | {
            "ingest": sections["ingest"] | {"grace_s": 1.0},
            "broker": {"bootstrap_servers": broker.bootstrap_servers},
            "topics": {"partitions": PARTITIONS, "pair_partitions": 1},
            "index": {"history_samples": 1000},
            "binding": {"review_samples": 0},
            "registry": {"root": str(folder / "models")},
            "runtime": {"data_dir": str(folder / "data"), "stream_port": 0},
        }
    )


def write(settings: Settings, windows: Iterable[SensorWindow], together: int) -> None:
    """Puts them into their topics, the shared modality in long messages."""
    names = TopicNames(settings.topics.prefix)
    producer = KafkaProducer(
        bootstrap_servers=settings.broker.bootstrap_servers, enable_idempotence=False, max_request_size=16 << 20
    )
    by_modality: dict[str, list[SensorWindow]] = {name: [] for name in settings.modalities}
    for window in windows:
        by_modality[window.modality].append(window)
    for modality, own in by_modality.items():
        for source_id, value in messages(own, together if modality == settings.shared_modality else 1):
            producer.send(names.windows(modality), key=source_id.encode(), value=value)
    producer.flush()
    producer.close()


def read_samples(settings: Settings, n_windows: int, worker: ChildProcess) -> list[tuple[str, int, tuple[str, ...]]]:
    """Source, time and modalities of every sample, as soon as all windows are in one.

    Raises:
        RuntimeError: If the worker ends, or nothing comes any more.
    """
    found: list[tuple[str, int, tuple[str, ...]]] = []
    ends: dict[int, int] = {}
    heard_s, n_found = time.monotonic(), 0
    while n_found < n_windows:
        if not worker.alive or time.monotonic() - heard_s > SILENCE_S:
            raise RuntimeError(f"{n_found} of {n_windows} windows are in samples\n{worker.log_tail(40)}")
        with LogReader(settings.broker, TopicNames(settings.topics.prefix).samples) as reader:
            starts, ends = ends, reader.ends()
            for message in reader.read(starts, ends):
                heard_s = time.monotonic()
                for one in decode_many(message.value, Sample):
                    found.append((one.source_id, one.start_ns, tuple(one.windows)))
                    n_found += len(one.windows)
        time.sleep(1.0)
    return found


def verdict(windows: Sequence[SensorWindow], samples: Sequence[tuple[str, int, tuple[str, ...]]]) -> dict[str, int]:
    """What was lost, taken twice, or came apart."""
    wanted = Counter((one.source_id, one.start_ns, one.modality) for one in windows)
    got = Counter((source, start, name) for source, start, names in samples for name in names)
    times = Counter((source, start) for source, start, _ in samples)
    companions = Counter((one.source_id, one.start_ns) for one in windows)
    return {
        "windows": len(windows),
        "lost": (wanted - got).total(),
        "twice": (got - wanted).total(),
        "natural_pairs": sum(n > 1 for n in companions.values()),
        "split": sum(n > 1 for n in times.values()),
    }


def measure(broker: Broker, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Writes the backlog, lets a worker read it, and looks at what came of it."""
    world = SyntheticWorld(N_SOURCES, n_complete=N_SOURCES // 5)
    settings = settings_for(world, broker, folder)
    (folder / "mmbind.toml").write_text(as_toml(settings))
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    create_topics(admin, settings)
    admin.close()
    n_lead = round(options.lead_s * NS_PER_S / world.hop_ns)
    n_slots = (options.windows - n_lead * N_SOURCES) // sum(len(world.modalities_of(i)) for i in range(N_SOURCES))
    windows = [*world.windows(n_slots)]
    windows += [one for one in world.windows(n_lead, first=n_slots) if one.modality == world.shared]
    write(settings, windows, options.together)
    command = [sys.executable, "-m", "deploy.cli", "stream", "--config", str(folder / "mmbind.toml")]
    worker = ChildProcess("worker", command, folder / "worker.log", env=ENVIRONMENT)
    worker.start()
    began_s = time.monotonic()
    try:
        samples = read_samples(settings, len(windows), worker)
    finally:
        worker.stop()
    return verdict(windows, samples) | {"seconds": round(time.monotonic() - began_s)}


def main() -> None:
    """The command of this module's docstring."""
    parser = parser_of(__doc__)
    parser.add_argument("--windows", type=int, default=100_000, help="of all topics together")
    parser.add_argument("--lead-s", type=float, default=3600.0, help="how far the shared modality was written ahead")
    parser.add_argument("--together", type=int, default=64, help="windows a message of the shared modality")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = os.environ.get("KAFKA_HOME")
        broker: Broker = (
            KafkaBroker(Path(home), folder / "kafka") if home else EmbeddedBroker(folder / "broker.log", 0, 4 << 30)
        )
        broker.start()
        try:
            figures = measure(broker, options, folder)
        finally:
            broker.stop()
    print(" ".join(f"{name} {value}" for name, value in figures.items()))
    if options.json:
        write_json(figures, options.json)


if __name__ == "__main__":
    main()
