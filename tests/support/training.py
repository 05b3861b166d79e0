"""The trainer's loop in one process, on a broker in memory, for tests."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from kafka import TopicPartition
from prometheus_client import CollectorRegistry

from streams.messages.codec import encode_batch
from streams.models.registry import Registry
from tests.support.memory_kafka import MemoryBroker, MemoryConsumer, reading_again
from tests.support.recorded import Recorded, small_settings
from tests.support.watched_models import WatchedModels
from trainer.checkpoints.checkpoint import Checkpoint, CheckpointFolder
from trainer.learner import Learner
from trainer.metrics import TrainerMetrics
from trainer.parts import Parts
from trainer.readiness import Readiness
from trainer.settings import TrainerSettings
from trainer.topics.bindings import BindingIntake
from trainer.topics.publishing import Publisher
from trainer.topics.samples import SampleLog
from trainer.training import POLL_MS, Training

PAIRS = TopicPartition("pairs", 0)


class Full(CheckpointFolder):
    """A folder on a full disk, the first few times."""

    n_left = 0

    def save(self, checkpoint: Checkpoint) -> Checkpoint:
        if self.n_left:
            self.n_left -= 1
            raise OSError(28, "No space left on device")
        return super().save(checkpoint)


class StopsAtTheEnd(MemoryConsumer):
    """Tells the trainer to stop once everything was read and asked for more."""

    def __init__(self, broker: MemoryBroker, stop: threading.Event) -> None:
        super().__init__(broker)
        self._stop, self._n_empty = stop, 0

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[object]]:  # type: ignore[override]
        polled = super().poll(timeout_ms, max_records)
        # Not where it only says that it lives.
        self._n_empty += not polled and timeout_ms == POLL_MS
        if self._n_empty > 3:
            self._stop.set()
        return polled  # type: ignore[return-value]


class ForgetsThese(set[str]):
    """Sources that are forgotten: at first none."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def poll(self) -> frozenset[str]:
        fresh, self._told = frozenset(self - self._told), set(self)
        return fresh


@dataclass
class Trainer:
    parts: Parts
    models: WatchedModels
    metrics: CollectorRegistry
    training: Training
    readiness: Readiness
    forgotten: "ForgetsThese"

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.get_sample_value(name, labels)


def filled(record: Recorded) -> MemoryBroker:
    broker = MemoryBroker()
    for sample in record.samples.values():
        broker.write("samples", 0, encode_batch([sample]))
    for start in range(0, len(record.bindings), 5):
        broker.write("pairs", 0, encode_batch(record.bindings[start : start + 5]))
    return broker


def trainer_of(
    record: Recorded,
    broker: MemoryBroker,
    folder: CheckpointFolder,
    consumer: Callable[[MemoryBroker, threading.Event], StopsAtTheEnd] = StopsAtTheEnd,
    settings: TrainerSettings | None = None,
) -> Trainer:
    stop, models, metrics = threading.Event(), WatchedModels(), CollectorRegistry()
    intake = BindingIntake(consumer(broker, stop), "pairs", 1)
    samples = SampleLog(MemoryConsumer(broker), reading_again(broker, "samples"), "samples", 1)
    forgotten, readiness = ForgetsThese(), Readiness(60.0)
    learner = Learner(record.world.specs, record.world.shared, settings or small_settings(), forgotten=forgotten)
    publisher = Publisher(models, Registry(str(folder.root / "models")), "stable", lambda: 7)
    rest = (samples, None, forgotten, models, publisher, None)
    parts = Parts(folder, 0, "lineage", learner, intake, *rest)  # type: ignore[arg-type]
    training = Training(parts, "", TrainerMetrics(metrics), stop, readiness)
    return Trainer(parts, models, metrics, training, readiness, forgotten)


def run(trainer: Trainer) -> None:
    try:
        trainer.training.run()
    finally:
        trainer.parts.publisher.stop(10)
