"""A worker and a trainer with small buffers, and a fleet whose windows they are fed history by history."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kafka.admin import KafkaAdminClient

from deploy.demo.services import scrape
from deploy.machine.brokers import EmbeddedBroker, free_port
from deploy.machine.process import ChildProcess, resident_bytes
from deploy.settings.config import Settings, as_toml
from streams.broker.connection import client_config
from streams.broker.topics import create_topics
from streams.producer import WindowProducer
from streams.testing import SyntheticWorld

N_SOURCES = 8
PATIENCE_S = 900.0
LAG_TOLD_S = 5.0
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True, slots=True)
class Reading:
    """After one history: MB of memory, records in the trainer's buffers, and what was done so far."""

    history: int
    seconds: float
    worker_mb: float
    trainer_mb: float
    n_bindings: int
    n_cycles: int
    version: int
    held: dict[str, int]


def soak_settings(folder: Path, broker: EmbeddedBroker, history_samples: int) -> Settings:
    """Every buffer as large as a history, or less, so that all of them are full after the first."""
    world = SyntheticWorld(N_SOURCES, n_complete=2, held_out=2)
    sections = world.settings().model_dump(include={"modalities", "shared_modality", "ingest"})
    return Settings.model_validate(
        sections
        | {
            "broker": {"bootstrap_servers": broker.bootstrap_servers},
            "index": {"history_samples": history_samples, "segment_samples": 128},
            "binding": {"review_samples": min(256, history_samples)},
            "registry": {"root": str(folder / "models")},
            "runtime": {"data_dir": str(folder), "stream_port": free_port(), "trainer_port": free_port()},
            "trainer": {
                "steps_per_cycle": 20,
                "warm_samples": 1,
                "batch_pairs": 16,
                "dim": 16,
                "width": 8,
                "replay_samples": history_samples,
                "evaluation_max_samples": 64,
                "remembered_bindings": history_samples,
            },
        }
    )


class Soak:
    """The services at work; a context manager that leaves none behind."""

    def __init__(self, folder: Path, broker: EmbeddedBroker, history_samples: int) -> None:
        self.settings = soak_settings(folder, broker, history_samples)
        self._world = SyntheticWorld(N_SOURCES, n_complete=2, held_out=2)
        self._n_slots = history_samples // N_SOURCES
        admin = KafkaAdminClient(**client_config(self.settings.broker))
        create_topics(admin, self.settings)
        admin.close()
        file = folder / "mmbind.toml"
        file.write_text(as_toml(self.settings))

        def service(name: str, command: str) -> ChildProcess:
            arguments = [sys.executable, "-m", "deploy.cli", command, "--config", str(file)]
            return ChildProcess(name, arguments, folder / f"{name}.log", ENVIRONMENT)

        self._worker, self._trainer = service("worker", "stream"), service("trainer", "train")

    def __enter__(self) -> "Soak":
        self._worker.start()
        self._trainer.start()
        return self

    def __exit__(self, *exception: object) -> None:
        for process in (self._worker, self._trainer):
            process.stop()

    def run(self, history: int) -> Reading:
        """Sends the windows of one history, waits until all are bound and trained on, and reads the memory.

        Raises:
            RuntimeError: If that takes longer than PATIENCE_S, or a service ended.
        """
        began_s = time.monotonic()
        broker, topics = self.settings.broker, self.settings.topics
        with WindowProducer(broker.bootstrap_servers, topics.prefix, batch=8) as producer:
            for one in self._world.windows(self._n_slots, first=history * self._n_slots):
                producer.send(one.source_id, one.modality, one.start_ns, one.values)
        n_samples = (history + 1) * self._n_slots * N_SOURCES
        end_s = began_s + PATIENCE_S
        self._wait(
            lambda: _total(scrape(self.settings.runtime.stream_port), "mmbind_bindings_total") >= n_samples, end_s
        )
        # The trainer tells its lag every two seconds: one told before the last Bindings came says nothing.
        time.sleep(LAG_TOLD_S)
        self._wait(self._is_level, end_s)
        return self._reading(history + 1, time.monotonic() - began_s)

    def _wait(self, is_done: Callable[[], bool], end_s: float) -> None:
        while not is_done():
            for process in (self._worker, self._trainer):
                if not process.alive:
                    raise RuntimeError(f"the {process.name} ended: {process.log_tail()}")
            if time.monotonic() > end_s:
                raise RuntimeError(f"a history took more than {PATIENCE_S:.0f} s: {self._trainer.log_tail()}")
            time.sleep(0.5)

    def _is_level(self) -> bool:
        shown = scrape(self.settings.runtime.trainer_port)
        return bool(shown) and not _total(shown, "mmbind_lag_records")

    def _reading(self, history: int, seconds: float) -> Reading:
        shown = scrape(self.settings.runtime.trainer_port)
        prefix = 'mmbind_trainer_held_records{buffer="'
        return Reading(
            history=history,
            seconds=seconds,
            worker_mb=resident_bytes(self._worker.pid) / 1e6,
            trainer_mb=resident_bytes(self._trainer.pid) / 1e6,
            n_bindings=_total(shown, "mmbind_trainer_bindings_total"),
            n_cycles=int(shown.get("mmbind_train_cycles_total", 0)),
            version=int(shown.get("mmbind_published_version", 0)),
            held={
                name.removeprefix(prefix)[:-2]: int(value) for name, value in shown.items() if name.startswith(prefix)
            },
        )


def _total(shown: dict[str, float], name: str) -> int:
    return round(sum(value for key, value in shown.items() if key.partition("{")[0] == name))
