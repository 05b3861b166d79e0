"""How a service of ours comes up and goes: signals, the wait for the broker, its topics, its end, and exit codes."""

import logging
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kafka.admin import KafkaAdminClient

from streams.broker.connection import client_config, connect_or_explain, diagnose
from streams.broker.topics import TopicsError, check_topics, is_embedded
from streams.service.backoff import Backoff
from streams.settings import BrokerSettings, StreamSettings

log = logging.getLogger(__name__)

# A thread waits so long for another one that computes. With Python's own 5 ms rounds that go on beside new samples made
# the core a tenth slower.
SWITCH_S = 0.0005

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_WRONG_SETTINGS = 2
# The embedded broker is gone, and all data with it: starting again would find nothing.
EXIT_BROKER_GONE = 4

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
# The embedded broker never comes back: so many failed connections in a row, and it is gone.
GONE_AFTER_ATTEMPTS, ATTEMPT_EVERY_S, ATTEMPT_TIMEOUT_S = 3, 0.5, 2.0


@contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[threading.Event]:
    """SIGTERM, SIGINT and SIGHUP set `stop` while this lasts; afterwards they do what they did before.

    SIGHUP comes when the terminal is closed; under `nohup` it stays ignored. For the main thread.
    """
    hang_up = () if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else (signal.SIGHUP,)
    numbers = (signal.SIGTERM, signal.SIGINT, *hang_up)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_for_broker(
    broker: BrokerSettings, stop: threading.Event, on_wait: Callable[[str], None] = lambda reason: None
) -> bool:
    """True once the broker can be used, False if `stop` was set first.

    Says once in the log that it is away and why (again if the reason changes), and once that it is back.

    Args:
        broker: How to reach it.
        stop: Ends the wait.
        on_wait: Called with the reason before every wait, for health and metrics.
    """
    said, backoff = "", Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
    while not stop.is_set():
        failed = [step for step in diagnose(broker) if not step.ok]
        if not failed:
            if said:
                log.warning("the broker is back: %s", broker.bootstrap_servers)
            return True
        reason = failed[-1].message
        if reason != said:
            log.warning("waiting for the broker: %s", reason)
            said = reason
        on_wait(reason)
        # Spread, so that a fleet of services does not come back in one instant.
        stop.wait(backoff.next_s() * random.uniform(0.75, 1.25))
    return False


def find_topics(settings: StreamSettings) -> bool:
    """Whether the broker is the embedded one, once it is known to have the topics that are wanted.

    Raises:
        BrokerUnreachable: Saying which step of the connection failed.
        TopicsError: With a line for each topic that is missing or not as the settings want it.
    """
    admin = connect_or_explain(lambda: KafkaAdminClient(**client_config(settings.broker)), settings.broker)
    try:
        if differences := check_topics(admin, settings):
            raise TopicsError("\n".join(differences))
        return is_embedded(admin)
    finally:
        admin.close()


def watch_embedded(broker: BrokerSettings, on_gone: Callable[[], None]) -> None:
    """Calls `on_gone` once, in a thread of its own, when the embedded broker is gone.

    No client of it ever says so: it polls on and gets nothing.
    """
    host, _, port = broker.bootstrap_servers.split(",")[0].strip().rpartition(":")

    def watch() -> None:
        n_failed = 0
        while n_failed < GONE_AFTER_ATTEMPTS:
            time.sleep(ATTEMPT_EVERY_S)
            try:
                socket.create_connection((host, int(port)), ATTEMPT_TIMEOUT_S).close()
                n_failed = 0
            except OSError:
                n_failed += 1
        log.error("the embedded broker is gone, and all data with it: exit code %d", EXIT_BROKER_GONE)
        on_gone()

    threading.Thread(target=watch, name="embedded-watch", daemon=True).start()
