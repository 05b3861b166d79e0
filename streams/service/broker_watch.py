"""Whether the broker can be used, asked every few seconds: one log line when it goes, one when it is back."""

import logging
import threading
from collections.abc import Callable, Sequence

from streams.broker.connection import diagnose
from streams.broker.diagnosis import Step
from streams.settings import BrokerSettings

log = logging.getLogger(__name__)

CHECK_EVERY_S = 10.0
# While it is away, so that its return is seen soon.
CHECK_AGAIN_S = 2.0


class BrokerWatch:
    """Probes the broker in a thread of its own from `start` on: for a service's health, metrics and log.

    The clients come back by themselves after an outage, and say nothing useful about it.

    Args:
        on_change: Called with True when the broker can be used and with False when it can no longer, in the thread.
        probe: What to ask, for tests.
    """

    def __init__(
        self,
        broker: BrokerSettings,
        on_change: Callable[[bool], None] = lambda usable: None,
        probe: Callable[[BrokerSettings], Sequence[Step]] = diagnose,
    ) -> None:
        self._broker, self._on_change, self._probe = broker, on_change, probe
        self._reason: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="broker-watch", daemon=True)

    @property
    def usable(self) -> bool:
        """Whether the last probe got through."""
        return self._reason == ""

    def complaints(self) -> list[str]:
        """What is wrong, for a health check; empty while the broker can be used."""
        if self._reason is None:
            return ["the broker was not probed yet"]
        return [self._reason] if self._reason else []

    def start(self) -> None:
        """Probes from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Probes no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def check(self) -> bool:
        """Whether the broker can be used, probed now; says so where it changed."""
        failed = [step.message for step in self._probe(self._broker) if not step.ok]
        before, self._reason = self._reason, failed[-1] if failed else ""
        if self._reason and not before:
            log.warning("the broker is away: %s", self._reason)
        elif before and not self._reason:
            log.warning("the broker is back: %s", self._broker.bootstrap_servers)
        if before is None or bool(before) != bool(self._reason):
            self._on_change(not self._reason)
        return not self._reason

    def _run(self) -> None:
        while not self._stop.is_set():
            self._stop.wait(CHECK_EVERY_S if self.check() else CHECK_AGAIN_S)
