"""Real workers for tests: processes on a real broker, and what can be read of their work in its topics."""

import re
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Protocol, TypeVar

import torch
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from deploy.machine.process import ChildProcess
from deploy.settings.config import Settings, as_toml
from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from encoders.nets import Encoder, encoder_weights
from streams.broker.log import LogReader, committed_offsets, read_all
from streams.broker.topics import create_topics
from streams.messages.codec import decode_many, encode_batch
from streams.messages.message import Message
from streams.messages.topic_names import TopicNames
from streams.models.channels import ChannelView, move_record, version_record
from streams.models.registry import Registry
from streams.records import Binding, Sample, SensorWindow
from streams.settings import BrokerSettings, StreamSettings
from streams.testing import SyntheticWorld
from streams.worker.faust_app import group_id
from tests.support.waiting import wait_until

T = TypeVar("T")
Sent = tuple[str, bytes | None, bytes | None]
MAX_BYTES = 10_000_000
NO_PORTS = {"stream_port": 0, "trainer_port": 0, "embedder_port": 0}
# WEB_PORT as Kubernetes sets it where a service is called "web": Faust must not read it.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "WEB_PORT": "tcp://10.0.0.1:80"}


def complete_world(n_sources: int = 6) -> SyntheticWorld:
    """Every node has all sensors, so that a slot without one of them waits for it."""
    return SyntheticWorld(n_sources, n_complete=n_sources)


def start(command: str, folder: Path, name: str, module: str = "deploy.cli") -> ChildProcess:
    """`mmbind stream`, or another command, with the settings in the folder."""
    arguments = [sys.executable, "-m", module, *command.split(), "--config", str(folder / "mmbind.toml")]
    process = ChildProcess(name, arguments, folder / f"{name}.log", ENVIRONMENT)
    process.start()
    return process


def answer(worker: ChildProcess, path: str) -> str:
    """What a worker's health server says, whatever the status."""
    (port,) = re.findall(r"health on http://127\.0\.0\.1:(\d+)", worker.log_file.read_text())
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answered:
            return str(answered.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()


def homes(samples: Iterable[Sample]) -> dict[tuple[str, str, bytes], set[str]]:
    """The ids of the samples that each window is in, by source, modality and values."""
    found: dict[tuple[str, str, bytes], set[str]] = {}
    for sample in samples:
        for modality, values in sample.windows.items():
            found.setdefault((sample.source_id, modality, values.tobytes()), set()).add(sample.sample_id)
    return found


def key_of(window: SensorWindow) -> tuple[str, str, bytes]:
    return window.source_id, window.modality, window.values.tobytes()


class Reachable(Protocol):
    @property
    def bootstrap_servers(self) -> str:
        """Where services connect to."""


class World(Protocol):
    def settings(self) -> StreamSettings:
        """What a worker is told of its modalities and its nodes."""


class Farm:
    """Topics of one test, workers on them, and the sensors of a world."""

    def __init__(
        self,
        broker: Reachable,
        world: World,
        folder: Path,
        prefix: str,
        trainer: dict[str, object] | None = None,
        runtime: dict[str, object] | None = None,
        more: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
        **ingest: object,
    ) -> None:
        self.folder = folder
        sections = world.settings().model_dump(include={"modalities", "shared_modality", "ingest"})
        sections["ingest"] |= ingest
        self.settings = Settings.model_validate(
            sections
            | {
                "broker": {"bootstrap_servers": broker.bootstrap_servers},
                "topics": {"prefix": prefix, "partitions": 3, "pair_partitions": 2, **more.get("topics", {})},
                "registry": {"root": str(folder / "models")},
                "runtime": {"data_dir": str(folder / "data"), **NO_PORTS, **(runtime or {})},
                "trainer": trainer or {},
                **{name: more.get(name, {}) for name in ("index", "binding")},
            }
        )
        self.broker: BrokerSettings = self.settings.broker
        self.names = TopicNames(prefix)
        self.processes: list[ChildProcess] = []
        self._channels = ChannelView()
        (folder / "mmbind.toml").write_text(as_toml(self.settings))
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
        create_topics(admin, self.settings)
        admin.close()

    def __enter__(self) -> "Farm":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes:
            process.stop()
            if error is not None:
                print(f"--- {process.log_file}\n{process.log_tail(60)}")

    def start_worker(self, module: str = "deploy.cli") -> ChildProcess:
        return self.start("stream", "worker", module)

    def start_trainer(self) -> ChildProcess:
        return self.start("train", "trainer")

    def start(self, command: str, name: str, module: str = "deploy.cli") -> ChildProcess:
        self.processes.append(start(command, self.folder, f"{name}-{len(self.processes)}", module))
        return self.processes[-1]

    def send(self, windows: Iterable[SensorWindow], batch: int = 1) -> None:
        """Like sensors that buffer `batch` windows of one source and modality."""
        buffered: dict[tuple[str, str], list[SensorWindow]] = {}
        messages: list[Sent] = []
        for window in windows:
            waiting = buffered.setdefault((window.source_id, window.modality), [])
            waiting.append(window)
            if len(waiting) == batch:
                messages.append((window.modality, window.source_id.encode(), encode_batch(waiting)))
                waiting.clear()
        for (source_id, modality), waiting in buffered.items():
            if waiting:
                messages.append((modality, source_id.encode(), encode_batch(waiting)))
        self.send_raw(messages)

    def send_raw(self, messages: Iterable[Sent]) -> None:
        """Modality, key and value of each."""
        # A producer for each call: one that outlives its broker leaves sockets behind.
        servers = self.broker.bootstrap_servers
        producer = KafkaProducer(bootstrap_servers=servers, enable_idempotence=False, max_request_size=MAX_BYTES)
        for modality, key, value in messages:
            producer.send(self.names.windows(modality), key=key, value=value)
        producer.flush(timeout=30)
        producer.close()

    def samples(self) -> list[Sample]:
        return self.records(self.names.samples, Sample)

    def bindings(self) -> list[Binding]:
        return self.records(self.names.pairs, Binding)

    def records(self, topic: str, kind: type[T]) -> list[T]:
        return [one for message in read_all(self.broker, topic) for one in decode_many(message.value, kind)]

    def rejects(self) -> list[Message]:
        return read_all(self.broker, self.names.rejects)

    def committed(self, topic: str) -> dict[int, int]:
        return committed_offsets(self.broker, group_id(self.settings), topic, self.ends(topic))

    def ends(self, topic: str) -> dict[int, int]:
        with LogReader(self.broker, topic) as reader:
            return {partition: end for partition, end in reader.ends().items() if end}

    def publish(self, version: int, seed: int, is_damaged: bool = False) -> None:
        """A model with random encoders, announced and made the stable one."""
        specs = tuple(self.settings.specs.values())
        torch.manual_seed(seed)
        weights = {spec.name: encoder_weights(Encoder(spec, 16, 8)) for spec in specs}
        manifest = ModelManifest(
            version=version,
            parent=version - 1,
            created_ns=1,
            modalities=specs,
            shared_modality=self.settings.shared_modality,
            dim=16,
        )
        manifest = Registry(self.settings.registry.root).publish(ModelBundle(manifest, weights))
        if is_damaged:
            for file in manifest.files:
                (self.folder / "models" / file.name).write_bytes(b"damaged")
        self._announce(manifest)

    def _announce(self, manifest: ModelManifest) -> None:
        """Writes its manifest and a move of the stable channel to it."""
        producer = KafkaProducer(bootstrap_servers=self.broker.bootstrap_servers, enable_idempotence=False)
        key, value = version_record(manifest)
        self._channels.apply(key, value, 2 * manifest.version)
        move = move_record(self._channels, "stable", manifest.version, "test", "test", at_ns=1)
        self._channels.apply(*move, 2 * manifest.version + 1)
        producer.send(self.names.models, key=key, value=value)
        producer.send(self.names.models, key=move[0], value=move[1])
        producer.flush(timeout=10)
        producer.close()

    def wait(self, is_done: Callable[[], bool], timeout_s: float = 90.0) -> None:
        """Fails when it takes longer, or when no process is left alive."""
        wait_until(
            is_done,
            timeout_s,
            told=lambda: self.processes[-1].log_tail(),
            is_hopeless=lambda: not any(process.alive for process in self.processes),
            every_s=0.2,
        )

    def wait_for_bindings(self, n: int, timeout_s: float = 90.0) -> None:
        """Until so many different samples have one."""
        bound: set[str] = set()
        with LogReader(self.broker, self.names.pairs) as reader:
            following = reader.follow(threading.Event())

            def are_there() -> bool:
                for message in following:
                    if message is None or len(bound) >= n:
                        break
                    bound.update(one.sample_id for one in decode_many(message.value, Binding))
                return len(bound) >= n

            self.wait(are_there, timeout_s)
