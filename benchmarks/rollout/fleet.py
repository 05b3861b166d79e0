"""Broker, worker, trainer and consumers as processes of their own, and the recordings that they live on."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM

from deploy.demo.services import not_ready
from deploy.machine.brokers import free_port
from deploy.machine.process import ChildProcess
from deploy.machine.up import at_broker, choose_broker
from deploy.recordings.recordings import Recordings
from deploy.replay.plan import described
from deploy.settings.config import Settings, as_toml
from deploy.topics.admin import admin_client
from deploy.topics.models_view import read_view
from streams.broker.topics import create_topics
from streams.models.channels import ChannelView

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
PATIENCE_S = 240.0
LOOK_S = 0.5


def rollout_settings(recordings: Recordings, folder: Path) -> Settings:
    """Small cycles, so that minutes hold several versions; each is tried by some consumers for ten seconds."""
    return Settings.model_validate(
        {
            "broker": {"local_port": free_port()},
            "topics": {"partitions": 2, "pair_partitions": 1},
            "modalities": {name: described(spec) for name, spec in recordings.specs.items()},
            "shared_modality": recordings.shared,
            "ingest": {
                "hop_s": recordings.hop_s,
                "grace_s": 1.0,
                "held_out_sources": tuple(sorted(recordings.held_out)),
            },
            "registry": {"root": str(folder / "models")},
            "runtime": {"stream_port": free_port(), "trainer_port": free_port(), "data_dir": str(folder / "data")},
            "trainer": {
                "cycle_bindings": 96,
                "publish_every_s": 0,
                "rollout": {"canary": 0.3, "for_s": 10, "min_calls": 50},
            },
        }
    )


class Fleet:
    """A context manager that leaves nothing behind.

    Args:
        recordings: Of the nodes.
        folder: For all files and logs.
        n_consumers: Programs that embed all the time.
    """

    def __init__(self, recordings: Recordings, folder: Path, n_consumers: int) -> None:
        settings = rollout_settings(recordings, folder)
        broker = choose_broker(settings, os.environ)
        assert broker is not None, "the settings name no broker"
        self.broker, self.settings = broker, at_broker(settings, broker)
        self.settings_file, self._folder = folder / "mmbind.toml", folder
        self.worker = self._service("worker", "deploy.cli", "stream", "--config", str(self.settings_file))
        self.trainer = self._service("trainer", "deploy.cli", "train", "--config", str(self.settings_file))
        self.consumers = [self.consumer(f"consumer-{number}") for number in range(1, n_consumers + 1)]

    def __enter__(self) -> "Fleet":
        self.broker.start()
        with admin_client(self.settings.broker) as admin:
            create_topics(admin, self.settings)
        self.settings_file.write_text(as_toml(self.settings))
        for process in (self.worker, self.trainer, *self.consumers):
            process.start()
        for port in (self.settings.runtime.stream_port, self.settings.runtime.trainer_port):
            self.wait(lambda port=port: not not_ready(port), f"port {port} says that it is ready")  # type: ignore[misc]
        return self

    def __exit__(self, *exception: object) -> None:
        processes = (self.worker, self.trainer, *self.consumers)
        for process in processes:
            process.signal(SIGTERM)
        for process in processes:
            process.stop()
        self.broker.stop()

    def consumer(self, follower_id: str) -> ChildProcess:
        """A consumer with a cache of its own, not started."""
        cache = self._folder / "caches" / follower_id
        command = ("benchmarks.rollout.consumer", str(self.settings_file), follower_id, str(cache))
        return self._service(follower_id, *command)

    def view(self) -> ChannelView:
        """What the topic `models` says now."""
        return read_view(self.settings)

    def wait(self, is_so: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
        """Returns once something is so.

        Raises:
            RuntimeError: If it takes longer than `patience_s`, or a process ended meanwhile.
        """
        end_s = time.monotonic() + patience_s
        while not is_so():
            for process in (self.worker, self.trainer, *self.consumers):
                if process.exit_code is not None:
                    raise RuntimeError(f"{process.name} ended: {process.log_tail()}")
            if time.monotonic() > end_s:
                raise RuntimeError(f"after {patience_s:.0f} s not so: {what}; {self.trainer.log_tail()}")
            time.sleep(LOOK_S)

    def _service(self, name: str, *command: str) -> ChildProcess:
        return ChildProcess(name, [sys.executable, "-m", *command], self._folder / "logs" / f"{name}.log", ENVIRONMENT)
