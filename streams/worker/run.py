"""The worker of `mmbind stream`: ingest, bind and model following in one process, any number of which share the work.

What stands where: `app_ingest` and `app_bind` are the two stages, `app_messages` how they read and write, `app_models`
how models come back, `app_shell` what happens when partitions move, `app_faust` how Faust is set up.
"""

import logging
import os
import signal
import socket
import threading
import time

from faust.worker import Worker
from kafka.admin import KafkaAdminClient
from prometheus_client import CollectorRegistry

from streams.broker.connection import calm_client_logs, client_config, connect_or_explain, wait_for_broker
from streams.broker.topics import TopicsError, check_topics, is_embedded
from streams.service.broker_watch import BrokerWatch
from streams.service.health import HealthServer
from streams.settings import StreamSettings
from streams.worker.faust_app import quieten_loggers
from streams.worker.metrics import StreamMetrics
from streams.worker.shell import Shell

log = logging.getLogger(__name__)

EXIT_CRASHED = 1
EXIT_BROKER_GONE = 4  # the embedded broker is gone, and all data with it: starting again would find nothing
STOP_LIMIT_S = 15.0
GONE_AFTER_ATTEMPTS = 3


def run_worker(settings: StreamSettings) -> int:
    """Works until SIGTERM or SIGINT, and returns the exit code: 0, or EXIT_CRASHED, or EXIT_BROKER_GONE.

    Waits for the broker. A process that cannot stop in STOP_LIMIT_S, since the broker is away, is ended with 0: what it
    had not committed will be repeated.

    Raises:
        PortTaken: If the health server's port is in use.
        TopicsError: If the topics are missing or not as the settings want them.
        ValueError: If the settings cannot be used.
    """
    quieten_loggers()
    calm_client_logs()
    registry = CollectorRegistry()
    metrics = StreamMetrics(registry, settings.modalities)
    watch = BrokerWatch(settings.broker, lambda usable: metrics.broker_connected.set(usable))
    reasons = _Reasons(watch)
    runtime = settings.runtime
    server = HealthServer(
        registry,
        host=runtime.metrics_host,
        port=runtime.stream_port,
        setting="runtime.stream_port",
        healthy=reasons.healthy,
        ready=reasons.ready,
    )
    with server:
        log.info("worker started; metrics and health on http://%s:%d", runtime.metrics_host, server.port)
        if not _broker_came(settings, reasons):
            return 0
        watch.start()
        embedded = _checked_topics(settings)
        shell = Shell(settings, metrics, embedded)
        reasons.shell = shell
        if embedded:
            threading.Thread(target=_watch_embedded, args=(settings,), name="embedded-watch", daemon=True).start()
        code = _execute(shell)
        shell.models.stop()
        watch.stop()
    log.info("worker stopped")
    return code


class _Reasons:
    """What the health server says, from before there is a shell."""

    def __init__(self, watch: BrokerWatch) -> None:
        self.waiting = "the broker was not reached yet"
        self._watch = watch
        self.shell: Shell | None = None

    def healthy(self) -> list[str]:
        """Waiting for the broker is no reason to be started again."""
        return self.shell.healthy() if self.shell else []

    def ready(self) -> list[str]:
        """Why not."""
        return self._watch.complaints() + self.shell.ready() if self.shell else [self.waiting]


def _broker_came(settings: StreamSettings, reasons: _Reasons) -> bool:
    """False if a signal came first."""
    stop = threading.Event()

    def on_wait(reason: str) -> None:
        reasons.waiting = reason

    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        return wait_for_broker(settings.broker, stop, on_wait)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _checked_topics(settings: StreamSettings) -> bool:
    """Whether the broker is the embedded one; it has the topics that are wanted."""
    admin = connect_or_explain(lambda: KafkaAdminClient(**client_config(settings.broker)), settings.broker)
    try:
        if differences := check_topics(admin, settings):
            raise TopicsError("\n".join(differences))
        return is_embedded(admin)
    finally:
        admin.close()


def _execute(shell: Shell) -> int:
    shell.app.finalize()
    worker = Worker(shell.app, quiet=True, override_logging=False, redirect_stdouts=False)
    worker.spinner = None
    shell.app.on_before_shutdown.connect(_limit_stop)
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else EXIT_CRASHED
    except Exception:
        # Logged where it happened; Faust raises it again.
        return EXIT_CRASHED


async def _limit_stop(*_: object, **__: object) -> None:
    def end() -> None:
        log.warning("ended after %.0f s of stopping: what was not committed will be repeated", STOP_LIMIT_S)
        logging.shutdown()
        os._exit(0)

    limit = threading.Timer(STOP_LIMIT_S, end)
    limit.daemon = True
    limit.start()


def _watch_embedded(settings: StreamSettings) -> None:
    """Ends the process when the embedded broker is gone: nothing could be flushed or read again."""
    host, _, port = settings.broker.bootstrap_servers.split(",")[0].strip().rpartition(":")
    failures = 0
    while failures < GONE_AFTER_ATTEMPTS:
        time.sleep(0.5)
        try:
            socket.create_connection((host, int(port)), 2).close()
            failures = 0
        except OSError:
            failures += 1
    log.error("the embedded broker is gone, and all data with it: the worker stops (exit code %d)", EXIT_BROKER_GONE)
    logging.shutdown()
    os._exit(EXIT_BROKER_GONE)
