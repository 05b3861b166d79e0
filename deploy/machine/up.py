"""`mmbind up`: a broker, a worker and the trainer on this machine, supervised until a signal or a failure."""

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import Broker, EmbeddedBroker, is_taken
from deploy.machine.check import check_aside
from deploy.machine.process import ChildProcess
from deploy.settings.config import ConfigError, Settings, as_toml, load
from deploy.topics.installation import install_topics
from deploy.topics.kept import changed_shapes
from streams.service.backoff import Backoff
from streams.service.folder_lock import FolderLock
from streams.service.health import PortTaken
from streams.service.lifecycle import (
    EXIT_BROKER_GONE,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_WRONG_SETTINGS,
    stopped_by_signals,
)

CHECK_EVERY_S = 0.3
STOP_S = 25.0
WATCH_ENDS_S = 5.0
FIRST_RESTART_S, LONGEST_RESTART_S = 1.0, 30.0
# A service that ran so long is given a fresh start when it ends; one that ends sooner so often in a row is given up.
STEADY_S = 60.0
MOST_RESTARTS = 5
NO_RESTART = (EXIT_WRONG_SETTINGS, EXIT_BROKER_GONE)  # wrong settings do not become right, and lost data do not return

Say = Callable[[str], None]
# Shows how things go while the services run, until the event is set.
Watch = Callable[[Settings, threading.Event], None]


def run_local(config: Path | None = None, say: Say = print, watch: Watch | None = None) -> int:
    """Runs all until SIGINT or SIGTERM; the exit code: 0, or EXIT_FAILED, or EXIT_BROKER_GONE.

    Args:
        config: The settings file; None: see `find_file`.
        say: Tells a person.
        watch: Runs in a thread of its own beside the services, once they are started.

    Raises:
        ConfigError: If the settings are wrong, or cannot be used here.
        FolderInUse: If `runtime.data_dir` belongs to another one that runs.
        PortTaken: If somebody listens where the broker or a service is to.
        BrokerError: If the broker does not start.
        TopicsError: If its topics are not as the settings want them.
    """
    settings = load(config)
    check_aside(config)
    lock = FolderLock(Path(settings.runtime.data_dir))
    try:
        with stopped_by_signals(threading.Event()) as stop:
            return _run(settings, stop, say, watch)
    finally:
        lock.release()


def choose_broker(settings: Settings, environment: Mapping[str, str]) -> Broker | None:
    """None where the settings name a broker; else Apache Kafka of KAFKA_HOME, else the embedded one, not started."""
    if "bootstrap_servers" in settings.broker.model_fields_set:
        return None
    data_dir, port = Path(settings.runtime.data_dir), settings.broker.local_port
    if home := environment.get("KAFKA_HOME"):
        return KafkaBroker(Path(home), data_dir / "kafka", port)
    return EmbeddedBroker(data_dir / "logs" / "broker.log", port, settings.runtime.embedded_max_bytes)


def at_broker(settings: Settings, broker: Broker) -> Settings:
    """The settings for services of that broker."""
    here = settings.broker.model_copy(update={"bootstrap_servers": broker.bootstrap_servers})
    return settings.model_copy(update={"broker": here})


def services(settings: Settings, settings_file: Path) -> list[ChildProcess]:
    """Worker, trainer, and an embedder where one is wanted, not started; they write to `logs` in the data folder."""
    commands = {"worker": ["stream"], "trainer": ["train"]}
    if settings.runtime.up_embeds:
        commands["embedder"] = ["embeddings", "serve"]
    logs = Path(settings.runtime.data_dir) / "logs"
    environment = {"PYTHONUNBUFFERED": "1"}
    if password := settings.broker.sasl_plain_password:
        environment["MMBIND_BROKER__SASL_PLAIN_PASSWORD"] = password.get_secret_value()
    return [
        ChildProcess(
            name,
            [sys.executable, "-m", "deploy.cli", *command, "--config", str(settings_file)],
            logs / f"{name}.log",
            environment,
        )
        for name, command in commands.items()
    ]


class Supervisor:
    """Starts services, starts those again that crash, and ends all together.

    Args:
        broker: Whose end ends everything; None where it is not ours.
        processes: Ended in this order, all at once.
        say: Tells a person.
    """

    def __init__(self, broker: Broker | None, processes: Sequence[ChildProcess], say: Say) -> None:
        self._broker = broker
        self._processes = list(processes)
        self._say = say
        self._started_s: dict[str, float] = {}
        self._restarts: Counter[str] = Counter()
        self._backoff = {process.name: Backoff(FIRST_RESTART_S, LONGEST_RESTART_S) for process in processes}
        self._due_s: dict[str, float] = {}

    def run(self, stop: threading.Event) -> int:
        """Returns the exit code when `stop` is set, the broker ends, or a service cannot be kept running."""
        for process in self._processes:
            self._start(process)
        try:
            while not stop.wait(CHECK_EVERY_S):
                if self._broker and self._broker.failure:
                    self._say(self._broker.failure)
                    return EXIT_FAILED if self._broker.keeps_data else EXIT_BROKER_GONE
                if lost := [process for process in self._processes if not self._keep_running(process)]:
                    return EXIT_BROKER_GONE if lost[0].exit_code == EXIT_BROKER_GONE else EXIT_FAILED
            return EXIT_DONE
        finally:
            self.stop()

    def stop(self) -> None:
        """Ends all, all at once."""
        for process in self._processes:
            process.signal(signal.SIGTERM)
        for process in self._processes:
            process.stop(STOP_S)

    def _start(self, process: ChildProcess) -> None:
        process.start()
        self._started_s[process.name] = time.monotonic()

    def _keep_running(self, process: ChildProcess) -> bool:
        """False if it has ended for good."""
        if process.alive:
            return True
        if process.name in self._due_s:
            if time.monotonic() >= self._due_s[process.name]:
                del self._due_s[process.name]
                self._start(process)
            return True
        if time.monotonic() - self._started_s[process.name] > STEADY_S:
            self._restarts[process.name] = 0
            self._backoff[process.name].reset()
        ended = f"the {process.name} ended with exit code {process.exit_code}; {process.log_file} ends with\n"
        self._say(ended + process.log_tail())
        if self._restarts[process.name] >= MOST_RESTARTS or process.exit_code in NO_RESTART:
            return False
        wait_s = self._backoff[process.name].next_s()
        self._say(f"starting the {process.name} again in {wait_s:.0f} s")
        self._restarts[process.name] += 1
        self._due_s[process.name] = time.monotonic() + wait_s
        return True


def _run(settings: Settings, stop: threading.Event, say: Say, watch: Watch | None) -> int:
    """Broker first, then topics, then services; ended in the opposite order."""
    broker = choose_broker(settings, os.environ)
    require_free_ports(settings, broker)
    if broker is None:
        return _serve(settings, None, stop, say, watch)
    try:
        say(f"starting {broker.name} on {broker.bootstrap_servers}")
        broker.start()
        if not broker.keeps_data:
            say("it keeps everything in memory: what was sent is gone when this command ends")
        return _serve(at_broker(settings, broker), broker, stop, say, watch)
    finally:
        broker.stop()
        say("all stopped")


def _serve(settings: Settings, broker: Broker | None, stop: threading.Event, say: Say, watch: Watch | None) -> int:
    install_topics(settings)
    # The topics of a broker that is not ours were looked at before.
    if broker and broker.keeps_data and (changed := changed_shapes(settings)):
        raise ConfigError("\n".join(changed))
    data_dir, runtime = Path(settings.runtime.data_dir), settings.runtime
    settings_file = data_dir / "up.toml"
    settings_file.write_text(as_toml(settings))
    say(
        f"send windows to {settings.broker.bootstrap_servers}, topics {settings.topics.prefix}windows.<modality>\n"
        f"models come to {settings.registry.root}, logs to {data_dir / 'logs'}\n"
        f"watch http://{runtime.metrics_host}:{runtime.stream_port}/metrics and :{runtime.trainer_port}/metrics\n"
        "Ctrl-C ends all"
    )
    with _watched(settings, stop, watch):
        return Supervisor(broker, services(settings, settings_file), say).run(stop)


@contextmanager
def _watched(settings: Settings, stop: threading.Event, watch: Watch | None) -> Iterator[None]:
    """Whatever becomes of who watches, the services run on; it ends as soon as they are told to, or have ended."""
    thread = threading.Thread(target=watch, args=(settings, stop), name="watch", daemon=True) if watch else None
    if thread:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if thread:
            thread.join(WATCH_ENDS_S)


def require_free_ports(settings: Settings, broker: Broker | None) -> None:
    """Returns if nobody listens where our broker, if there is one, and the services are to.

    Raises:
        PortTaken: Naming the setting.
    """
    runtime = settings.runtime
    wanted = [
        ("runtime.stream_port", runtime.metrics_host, runtime.stream_port, ""),
        ("runtime.trainer_port", runtime.metrics_host, runtime.trainer_port, ""),
    ]
    if runtime.up_embeds:
        wanted.append(("runtime.embedder_port", runtime.metrics_host, runtime.embedder_port, ""))
    if broker:
        hint = ", or name the broker that listens there by broker.bootstrap_servers"
        wanted.insert(0, ("broker.local_port", "127.0.0.1", broker.port, hint))
    for setting, host, port, hint in wanted:
        if port and is_taken(port, host):
            raise PortTaken(
                f"{setting} is {port}, and another process listens there on {host}: set it to another port{hint}"
            )
