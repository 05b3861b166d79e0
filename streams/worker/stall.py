"""Whether work has come to a halt while some waits. Pure: time is an argument."""


class StallWatch:
    """Compares what is done with what it was.

    Args:
        stall_s: Seconds without progress, while work waits, that are a stall.
    """

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._since_s = 0.0
        self._done: int | None = None

    def reason(self, now_s: float, lag: int, done: int) -> str:
        """Why this is a stall, or nothing.

        Args:
            now_s: By a clock that never goes back.
            lag: Messages that wait to be worked off.
            done: Any number that changes with all progress.
        """
        if done != self._done or lag == 0:
            self._since_s, self._done = now_s, done
        still_s = now_s - self._since_s
        return f"no progress for {still_s:.0f} s, and {lag} messages wait" if still_s >= self._stall_s else ""
