"""The worker of `mmbind stream`, and the embedder of `mmbind embeddings serve`: any number of each share the work.

What stands where: `ingest_stage` and `bind_stage` are the two stages, `delivery` how they read and write, `bind_work`
what binding does and `bind_process` the process in which it does, `model_stage`, `mailbox` and `model_build` how models
come back, `shell` what happens when partitions move, `past` what the log says then, `standby` how a worker that binds
nothing stays ready to, `lag_watch` how far behind it is, `faust_app` how Faust is set up, `guard` what ends it. Of the
embedder `embed_stage` is the stage and `embed_shell` what is around it.
"""

import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from typing import Protocol, TypeAlias

import faust
from faust.worker import Worker
from prometheus_client import CollectorRegistry

from streams.follower import ModelFollower
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
from streams.worker.embed_metrics import EmbedMetrics
from streams.worker.embed_shell import EmbedShell
from streams.worker.guard import Guard
from streams.worker.metrics import StreamMetrics
from streams.worker.shell import Shell

log = logging.getLogger(__name__)

STOP_LIMIT_S = 15.0
LOOK_EVERY_S = 0.5

# Told what is waited for.
Waits: TypeAlias = Callable[[str], None]


class Runnable(Protocol):
    """A Shell or an EmbedShell: `app` is to be run, and the rest is said of it."""

    app: faust.App
    guard: Guard

    def close(self) -> None:
        """Ends what runs beside the app."""

    def ready(self) -> list[str]:
        """Why it does not do its work at present."""

    def notes(self) -> list[str]:
        """What is to be known of it, however well it is."""


def run_worker(settings: StreamSettings) -> int:
    """Works until SIGTERM or SIGINT, and returns the exit code: 0, or EXIT_FAILED, or EXIT_BROKER_GONE.

    Waits for the broker. A process that cannot stop in STOP_LIMIT_S, since the broker is away, is ended: what it had
    not committed will be repeated.

    Raises:
        PortTaken: If the health server's port is in use.
        TopicsError: If the topics are missing or not as the settings want them.
        ValueError: If the settings cannot be used.
    """
    registry = CollectorRegistry()
    metrics = StreamMetrics(registry, settings.modalities)

    def shell(is_embedded: bool, waits: Waits) -> Shell:
        return Shell(settings, metrics, is_embedded)

    return _run("worker", "stream_port", settings, registry, metrics, shell)


def run_embedder(settings: StreamSettings) -> int:
    """Embeds all samples as they come until SIGTERM or SIGINT; exit codes and errors are those of `run_worker`.

    Waits for the broker, and then for the first version of the channel. What it has read it goes on from.
    """
    registry = CollectorRegistry()
    metrics = EmbedMetrics(registry)

    def shell(is_embedded: bool, waits: Waits) -> EmbedShell | None:
        follower = _follower(settings)
        metrics.watch_models(follower)
        with stopped_by_signals(threading.Event()) as stop:
            while not follower.wait_for(1, LOOK_EVERY_S):
                waits(f"channel {settings.registry.channel} is at no version yet")
                if stop.is_set():
                    follower.stop()
                    return None
        return EmbedShell(settings, metrics, is_embedded, follower)

    return _run("embedder", "embedder_port", settings, registry, metrics, shell)


def _follower(settings: StreamSettings) -> ModelFollower:
    """One that follows the settings' channel, started."""
    registry = settings.registry
    follower = ModelFollower(
        settings.broker,
        registry.root,
        channel=registry.channel,
        prefix=settings.topics.prefix,
        follower_id=f"embedder-{socket.gethostname()}-{os.getpid()}",
        device=settings.runtime.device,
        public_key=registry.public_key_file,
        scaling_windows=settings.ingest.scaling_windows,
    )
    follower.start()
    return follower


def _run(
    name: str,
    port_setting: str,
    settings: StreamSettings,
    registry: CollectorRegistry,
    metrics: StreamMetrics | EmbedMetrics,
    make: Callable[[bool, Waits], Runnable | None],
) -> int:
    """Health server, broker and topics first, then what `make` makes; None ends it.

    `make` is told whether the broker is the embedded one, and tells what it waits for.
    """
    sys.setswitchinterval(SWITCH_S)
    watch = BrokerWatch(settings.broker, lambda usable: metrics.broker_connected.set(usable))
    reasons = _Reasons(watch)
    runtime = settings.runtime
    server = HealthServer(
        registry,
        host=runtime.metrics_host,
        port=getattr(runtime, port_setting),
        setting=f"runtime.{port_setting}",
        healthy=reasons.healthy,
        ready=reasons.ready,
        notes=reasons.notes,
    )
    with server:
        log.info("%s started; metrics and health on http://%s:%d", name, runtime.metrics_host, server.port)
        if not _broker_came(settings, reasons):
            return EXIT_DONE
        watch.start()
        embedded = find_topics(settings)
        if embedded:
            watch_embedded(settings.broker, _end_at_once)
        shell = reasons.shell = make(embedded, reasons.wait)
        code = EXIT_DONE
        if shell is not None:
            code = _execute(shell)
            shell.close()
        watch.stop()
    log.info("%s stopped", name)
    return code


class _Reasons:
    """What the health server says, from before there is a shell."""

    def __init__(self, watch: BrokerWatch) -> None:
        self._waiting = "the broker was not reached yet"
        self._watch = watch
        self.shell: Runnable | None = None

    def wait(self, reason: str) -> None:
        """Says what is waited for."""
        self._waiting = reason

    def healthy(self) -> list[str]:
        """Waiting for the broker is no reason to be started again."""
        return self.shell.guard.healthy() if self.shell else []

    def notes(self) -> list[str]:
        """What is to be known of a service, however well it is."""
        return self.shell.notes() if self.shell else []

    def ready(self) -> list[str]:
        """Why the work is not done at present; empty while it is."""
        return self._watch.complaints() + self.shell.ready() if self.shell else [self._waiting]


def _broker_came(settings: StreamSettings, reasons: _Reasons) -> bool:
    """False if a signal came first."""
    with stopped_by_signals(threading.Event()) as stop:
        return wait_for_broker(settings.broker, stop, reasons.wait)


def _execute(shell: Runnable) -> int:
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


def _limit_stop(shell: Runnable) -> None:
    def end() -> None:
        log.warning("ended after %.0f s of stopping: what was not committed will be repeated", STOP_LIMIT_S)
        logging.shutdown()
        os._exit(stopped_code(shell.guard.has_crashed))

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
