"""A process under test: its topics and settings, its start, and what it says of itself while it runs."""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.speed.inputs import messages, publish_model
from benchmarks.speed.workload import HOP_STEPS
from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import Broker, EmbeddedBroker, free_port
from deploy.machine.process import ChildProcess
from deploy.settings.config import Settings, as_toml
from encoders.modality import ModalitySpec
from streams.broker.log import LogReader
from streams.broker.topics import create_topics
from streams.messages.topic_names import TopicNames
from streams.records import SensorWindow
from streams.settings import StreamSettings

# Of each topic; one worker has them all.
PARTITIONS = 4
# Longer than any process takes for all windows on a busy machine; then it is stuck.
LIMIT_S = 180.0
LOOK_EVERY_S = 0.05
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
WORKER = "worker"
# What stands in place of a worker, by the module that runs it.
MODULES = {
    "naive": "benchmarks.speed.faust_apps",
    "pass": "benchmarks.speed.faust_apps",
    "batch": "benchmarks.speed.batch_app",
    "loop_1": "benchmarks.speed.embed_loop",
    "loop_64": "benchmarks.speed.embed_loop",
}
OURS = {WORKER: ["stream"], "embedder": ["embeddings", "serve"]}


@contextmanager
def broker_in(folder: Path) -> Iterator[Broker]:
    """Apache Kafka where KAFKA_HOME is set, else the embedded broker, while the context lasts."""
    home = os.environ.get("KAFKA_HOME")
    broker = KafkaBroker(Path(home), folder / "kafka") if home else EmbeddedBroker(folder / "broker.log", 0, 4 << 30)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def prepared(name: str, broker: Broker, spec: ModalitySpec, folder: Path, shared: str | None = None) -> Settings:
    """Settings, topics and the first model of a process with topics of its own.

    Args:
        name: Of what is measured.
        broker: Is running.
        spec: The modality of the windows.
        folder: For models and state.
        shared: The shared modality, like that one, where it is another.
    """
    modality = {"n_channels": spec.n_channels, "n_steps": spec.n_steps, "rate_hz": spec.rate_hz}
    settings = Settings.model_validate(
        {
            "broker": {"bootstrap_servers": broker.bootstrap_servers},
            "topics": {"prefix": f"{name.replace('_', '-')}.", "partitions": PARTITIONS, "pair_partitions": PARTITIONS},
            "modalities": {spec.name: modality, shared or spec.name: modality},
            "shared_modality": shared or spec.name,
            "ingest": {"hop_s": HOP_STEPS / spec.rate_hz},
            "registry": {"root": str(folder / name / "models")},
            "runtime": {"data_dir": str(folder / name), "stream_port": free_port(), "embedder_port": free_port()},
        }
    )
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    create_topics(admin, settings)
    admin.close()
    publish_model(settings, 1)
    return settings


def send(settings: Settings, windows: Iterable[SensorWindow], batch: int) -> None:
    """Writes windows of the first modality, `batch` of one source in a message."""
    producer = KafkaProducer(bootstrap_servers=settings.broker.bootstrap_servers, enable_idempotence=False, linger_ms=5)
    topic = TopicNames(settings.topics.prefix).windows(next(iter(settings.modalities)))
    for source_id, value in messages(windows, batch):
        producer.send(topic, key=source_id.encode(), value=value)
    producer.flush()
    producer.close()


def process(kind: str, settings: Settings, broker: Broker, folder: Path) -> ChildProcess:
    """A service of ours, or what stands in its place: one of OURS or of MODULES; not started."""
    folder.mkdir(exist_ok=True)
    if kind in OURS:
        file, command = folder / "mmbind.toml", ["deploy.cli", *OURS[kind], "--config"]
        file.write_text(as_toml(settings))
    else:
        file, command = folder / "settings.json", [MODULES[kind], kind]
        told = settings.model_dump(mode="json", include=set(StreamSettings.model_fields))
        file.write_text(json.dumps({"settings": told, "is_embedded": not broker.keeps_data}))
    return ChildProcess(kind, [sys.executable, "-m", *command, str(file)], folder / "log.txt", ENVIRONMENT)


def wait(one: ChildProcess, is_done: Callable[[], bool]) -> None:
    """Returns when it is done.

    Raises:
        RuntimeError: If the process has died or takes too long.
    """
    end_s = time.monotonic() + LIMIT_S
    while not is_done():
        if not one.alive or time.monotonic() > end_s:
            raise RuntimeError(f"{one.name} is not done:\n{one.log_tail(40)}")
        time.sleep(LOOK_EVERY_S)


def n_out(kind: str, settings: Settings) -> int:
    """How many results there are, asked so that it costs the process little; 0 before it can be asked."""
    if kind == WORKER:
        try:
            return bindings_in(metrics_text(settings.runtime.stream_port))
        except OSError:
            return 0
    with LogReader(settings.broker, TopicNames(settings.topics.prefix).pairs) as reader:
        return sum(reader.ends().values())


def metrics_text(port: int) -> str:
    """A worker's metrics as they are scraped."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def metric(text: str, name: str) -> float:
    """The sum of all series of a metric."""
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return float(sum(sample.value for sample in samples if sample.name == name))


def bindings_in(text: str) -> int:
    """The first Bindings, whatever their outcome, that a worker's metrics count."""
    return int(metric(text, "mmbind_bindings_total"))


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and its children so far, all their threads."""
    one = psutil.Process(pid)
    times = [each.cpu_times() for each in (one, *one.children())]
    return float(sum(each.user + each.system for each in times))
