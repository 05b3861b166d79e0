"""The worker of `mmbind stream`: any number of them share the work.

What stands where: `ingest_stage` and `bind_stage` are the two stages, `delivery` how they read and write, `bind_work`
what binding does and `bind_process` the process in which it does, `model_stage`, `mailbox` and `model_build` how models
come back, `shell` what happens when partitions move, `past` what the log says then, `standby` how a worker that binds
nothing stays ready to, `lag_watch` how far behind it is, `faust_app` how Faust is set up.
"""

import logging
import os
import sys
import threading

from faust.worker import Worker
from prometheus_client import CollectorRegistry

from streams.service.broker_watch import BrokerWatch
from streams.service.health import HealthServer
from streams.service.lifecycle import (
    EXIT_BROKER_GONE,
    EXIT_DONE,
    EXIT_FAILED,
    SWITCH_S,
    find_topics,
    stopped_by_signals,
    wait_for_broker,
    watch_embedded,
)
from streams.settings import StreamSettings
from streams.worker.metrics import StreamMetrics
from streams.worker.shell import Shell

log = logging.getLogger(__name__)

STOP_LIMIT_S = 15.0


def run_worker(settings: StreamSettings) -> int:
    """Works until SIGTERM or SIGINT, and returns the exit code: 0, or EXIT_FAILED, or EXIT_BROKER_GONE.

    Waits for the broker. A process that cannot stop in STOP_LIMIT_S, since the broker is away, is ended: what it had
    not committed will be repeated.

    Raises:
        PortTaken: If the health server's port is in use.
        TopicsError: If the topics are missing or not as the settings want them.
        ValueError: If the settings cannot be used.
    """
    sys.setswitchinterval(SWITCH_S)
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
        notes=reasons.notes,
    )
    with server:
        log.info("worker started; metrics and health on http://%s:%d", runtime.metrics_host, server.port)
        if not _broker_came(settings, reasons):
            return EXIT_DONE
        watch.start()
        embedded = find_topics(settings)
        shell = Shell(settings, metrics, embedded)
        reasons.shell = shell
        if embedded:
            watch_embedded(settings.broker, _end_at_once)
        code = _execute(shell)
        shell.close()
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

    def notes(self) -> list[str]:
        """What is to be known of a worker, however well it is."""
        return self.shell.notes() if self.shell else []

    def ready(self) -> list[str]:
        """Why no samples are bound at present; empty while they are."""
        return self._watch.complaints() + self.shell.ready() if self.shell else [self.waiting]


def _broker_came(settings: StreamSettings, reasons: _Reasons) -> bool:
    """False if a signal came first."""

    def on_wait(reason: str) -> None:
        reasons.waiting = reason

    with stopped_by_signals(threading.Event()) as stop:
        return wait_for_broker(settings.broker, stop, on_wait)


def _execute(shell: Shell) -> int:
    shell.app.finalize()
    worker = Worker(shell.app, quiet=True, override_logging=False, redirect_stdouts=False)
    worker.spinner = None

    async def limit_stop(*_: object, **__: object) -> None:
        _limit_stop(shell)

    # Faust holds what is connected weakly: this function lives as long as the worker runs.
    shell.app.on_before_shutdown.connect(limit_stop)
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else EXIT_FAILED
    except Exception:
        # Logged where it happened; Faust raises it again.
        return EXIT_FAILED


def _limit_stop(shell: Shell) -> None:
    def end() -> None:
        log.warning("ended after %.0f s of stopping: what was not committed will be repeated", STOP_LIMIT_S)
        logging.shutdown()
        os._exit(stopped_code(shell.has_crashed))

    limit = threading.Timer(STOP_LIMIT_S, end)
    limit.daemon = True
    limit.start()


def stopped_code(has_crashed: bool) -> int:
    """The exit code of a worker that had to be ended: a supervisor must not take a crash for a wish."""
    return EXIT_FAILED if has_crashed else EXIT_DONE


def _end_at_once() -> None:
    """Nothing could be flushed or read again."""
    logging.shutdown()
    os._exit(EXIT_BROKER_GONE)
