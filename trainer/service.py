"""The process around the trainer's loop: signals, health, the broker's coming and going. The loop is in `training`."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import PackageNotFoundError, version

import torch
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from streams.broker.connection import (
    BrokerUnreachable,
    calm_client_logs,
    client_config,
    connect_or_explain,
    wait_for_broker,
)
from streams.broker.log import LogError
from streams.broker.topics import TopicsError, check_topics, is_embedded
from streams.service.broker_watch import BrokerWatch
from streams.service.health import HealthServer
from streams.settings import StreamSettings
from trainer.checkpoints.checkpoint import CheckpointError
from trainer.checkpoints.lock import FolderInUse
from trainer.metrics import TrainerMetrics
from trainer.parts import Parts, open_parts
from trainer.settings import TrainerSettings
from trainer.topics.bindings import DataGone
from trainer.training import AnotherTrainer, Training

log = logging.getLogger(__name__)

EXIT_FAILED = 1
EXIT_BROKER_GONE = 4  # its data is gone too, and starting again would find nothing; the worker has the same code
GONE_AFTER_PROBES = 3
PROBE_AGAIN_S = 0.5
# What a person can do something about; the message says what.
FAILURES = (AnotherTrainer, BrokerUnreachable, CheckpointError, FolderInUse, KafkaError, LogError, TopicsError)


def run_trainer(settings: StreamSettings, trainer: TrainerSettings) -> int:
    """Trains until SIGTERM or SIGINT, and returns the exit code: 0, EXIT_FAILED or EXIT_BROKER_GONE.

    Waits for the broker. A cycle under way is left after its step, and trained again from the last checkpoint.

    Raises:
        PortTaken: If the health server's port is in use.
        ValueError: If the settings cannot be used.
    """
    calm_client_logs()
    torch.set_num_threads(settings.runtime.threads)
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
    with server, _stopped_by_signals(service.stop):
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
        self._is_embedded = self._is_gone = False
        self._not_ready = "the broker was not reached yet"
        self._parts: Parts | None = None

    def complaints(self) -> list[str]:
        """Why nothing is trained at present."""
        complaints = [self._not_ready] if self._not_ready else []
        if self._parts is not None and not self._parts.intake.is_sole:
            complaints.append("the broker has not given this trainer all partitions of pairs")
        return complaints + self._watch.complaints()

    def run(self) -> int:
        """The exit code, once `stop` is set or training cannot go on."""
        if not wait_for_broker(self._settings.broker, self.stop, self._on_wait):
            return 0
        try:
            self._check_topics()
            self._watch.start()
            self._train()
        except DataGone as error:
            log.error("the broker lost its data: %s", error)
            self._is_gone = True
        except FAILURES as error:
            log.error("training cannot go on: %s", error)
            return EXIT_FAILED
        finally:
            self._watch.stop()
        return EXIT_BROKER_GONE if self._is_gone else 0

    def _train(self) -> None:
        self._not_ready = "the samples of the last checkpoint are being read again"
        with closing(open_parts(self._settings, self._trainer, self.stop)) as parts:
            self._parts, self._not_ready = parts, ""
            training = Training(parts, self._settings.topics.prefix, self._metrics, self.stop, self._code_version)
            training.run()

    def _check_topics(self) -> None:
        broker = self._settings.broker
        admin = connect_or_explain(lambda: KafkaAdminClient(**client_config(broker)), broker)
        try:
            if differences := check_topics(admin, self._settings):
                raise TopicsError("\n".join(differences))
            self._is_embedded = is_embedded(admin)
        finally:
            admin.close()

    def _on_wait(self, reason: str) -> None:
        self._not_ready = reason

    def _on_change(self, usable: bool) -> None:
        self._metrics.broker_connected.set(int(usable))
        if usable or not self._is_embedded:
            return
        for _ in range(GONE_AFTER_PROBES):
            self.stop.wait(PROBE_AGAIN_S)
            if self._watch.check():
                return
        log.error("the embedded broker is gone, and all data with it: the trainer stops")
        self._is_gone = True
        self.stop.set()


def _code_version() -> str:
    try:
        return version("mmbind-stream")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
