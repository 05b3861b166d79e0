"""Why a trainer is not ready: its loop tells, whoever watches over it asks from another thread. Performs no I/O."""

import time
from collections.abc import Callable


class Readiness:
    """Faults by name, and an eye on whether work goes on while there is some.

    Args:
        stall_s: Seconds without progress after which it stands still.
        now_s: A clock that never goes back.
    """

    def __init__(self, stall_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._stall_s, self._now_s = stall_s, now_s
        self._faults: dict[str, str] = {}
        self._done, self._n_waiting = -1, 0
        self._heard_s = self._progress_s = now_s()

    def note_fault(self, name: str, reason: str) -> None:
        """Something is at fault until it is noted with no reason."""
        self._faults = {**self._faults, name: reason}

    def note_work(self, done: int, n_waiting: int) -> None:
        """How far the work is: to be told every few seconds, also while nothing is done.

        Args:
            done: Any number that changes with all progress.
            n_waiting: Messages that are not worked off.
        """
        self._heard_s = self._now_s()
        if done != self._done or not n_waiting:
            self._progress_s = self._heard_s
        self._done, self._n_waiting = done, n_waiting

    def complaints(self) -> list[str]:
        """The reasons, empty while all is well."""
        found = [reason for reason in self._faults.values() if reason]
        silent_s, still_s = self._now_s() - self._heard_s, self._now_s() - self._progress_s
        if silent_s >= self._stall_s:
            found.append(f"nothing was heard of training for {silent_s:.0f} s")
        elif still_s >= self._stall_s and self._n_waiting:
            found.append(f"training stands still for {still_s:.0f} s, while {self._n_waiting} messages of pairs wait")
        return found
