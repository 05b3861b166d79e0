"""The process around the trainer's loop: signals, health, the broker's coming and going. The loop is in `training`."""

import logging
import threading
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version

import torch
from kafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from encoders.errors import MmbindError
from streams.broker.connection import BrokerUnreachable
from streams.broker.log import LogError
from streams.broker.topics import TopicsError
from streams.service.broker_watch import BrokerWatch
from streams.service.folder_lock import FolderInUse
from streams.service.health import HealthServer
from streams.service.lifecycle import (
    EXIT_BROKER_GONE,
    EXIT_DONE,
    EXIT_FAILED,
    find_topics,
    stopped_by_signals,
    wait_for_broker,
    watch_embedded,
)
from streams.settings import StreamSettings
from trainer.checkpoints.checkpoint import CheckpointError
from trainer.metrics import TrainerMetrics
from trainer.parallel.process_group import open_ranks, torchrun_rank
from trainer.parallel.rank import serve_torchrun
from trainer.parallel.wire import RankLost
from trainer.parts import Parts, open_parts
from trainer.readiness import Readiness
from trainer.rollout.roller import rolling
from trainer.settings import TrainerSettings
from trainer.topics.bindings import DataGone
from trainer.topics.publishing import NotTheOwner
from trainer.training import AnotherTrainer, Training

log = logging.getLogger(__name__)

# What a person can do something about; the message says what.
FAILURES = (
    AnotherTrainer,
    BrokerUnreachable,
    CheckpointError,
    FolderInUse,
    KafkaError,
    LogError,
    NotTheOwner,
    RankLost,
    TopicsError,
)


def run_trainer(settings: StreamSettings, trainer: TrainerSettings) -> int:
    """Trains until SIGTERM or SIGINT, and returns the exit code: 0, EXIT_BROKER_GONE, or that of what stopped it.

    Waits for the broker. A cycle under way is left after its step, and trained again from the last checkpoint.

    Raises:
        PortTaken: If the health server's port is in use.
        ValueError: If the settings cannot be used.
    """
    torch.set_num_threads(settings.runtime.threads)
    if torchrun_rank():
        return serve_torchrun()
    code_version = _code_version()
    registry = CollectorRegistry()
    service = _Service(settings, trainer, TrainerMetrics(registry, code_version), code_version)
    server = HealthServer(
        registry,
        host=settings.runtime.metrics_host,
        port=settings.runtime.trainer_port,
        setting="runtime.trainer_port",
        ready=service.complaints,
    )
    with server, stopped_by_signals(service.stop):
        log.info("trainer started; metrics and health on http://%s:%d", settings.runtime.metrics_host, server.port)
        code = service.run()
    log.info("trainer stopped")
    return code


class _Service:
    def __init__(
        self, settings: StreamSettings, trainer: TrainerSettings, metrics: TrainerMetrics, code_version: str
    ) -> None:
        self.stop = threading.Event()
        self._settings, self._trainer = settings, trainer
        self._metrics, self._code_version = metrics, code_version
        self._watch = BrokerWatch(settings.broker, self._on_change)
        self._is_gone = False
        self._not_ready = "the broker was not reached yet"
        self._parts: Parts | None = None
        self._readiness = Readiness(settings.runtime.stall_s)

    def complaints(self) -> list[str]:
        """Why nothing is trained at present."""
        complaints = [self._not_ready] if self._not_ready else []
        if self._parts is not None and not self._parts.intake.is_sole:
            complaints.append("the broker has not given this trainer all partitions of pairs")
        if self._parts is not None:
            complaints += self._readiness.complaints()
        return complaints + self._watch.complaints()

    def run(self) -> int:
        """The exit code, once `stop` is set or training cannot go on."""
        if not wait_for_broker(self._settings.broker, self.stop, self._on_wait):
            return EXIT_DONE
        try:
            if find_topics(self._settings):
                watch_embedded(self._settings.broker, self._on_gone)
            self._watch.start()
            self._train()
        except DataGone as error:
            log.error("the broker lost its data: %s", error)
            self._is_gone = True
        except FAILURES as error:
            log.error("training cannot go on: %s", error)
            return error.exit_code if isinstance(error, MmbindError) else EXIT_FAILED
        finally:
            self._watch.stop()
        return EXIT_BROKER_GONE if self._is_gone else EXIT_DONE

    def _train(self) -> None:
        self._not_ready = "the samples of the last checkpoint are being read again"
        settings, trainer = self._settings, self._trainer
        runtime = settings.runtime
        with (
            open_ranks(settings, trainer) as ranks,
            closing(open_parts(settings, trainer, self.stop, ranks)) as parts,
            rolling(settings, trainer.rollout, self._metrics, lambda: parts.intake.is_sole),
        ):
            self._readiness = Readiness(runtime.stall_s)
            self._parts, self._not_ready = parts, ""
            prefix, readiness = settings.topics.prefix, self._readiness
            Training(parts, prefix, self._metrics, self.stop, readiness, self._code_version).run()

    def _on_wait(self, reason: str) -> None:
        self._not_ready = reason

    def _on_change(self, usable: bool) -> None:
        self._metrics.broker_connected.set(int(usable))

    def _on_gone(self) -> None:
        self._is_gone = True
        self.stop.set()


def _code_version() -> str:
    try:
        return version("mmbind-stream")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"
