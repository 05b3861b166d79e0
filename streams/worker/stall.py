"""Whether work on a topic has come to a halt while more comes in. Pure: time is an argument."""


class StallWatch:
    """Compares what is committed with what it was.

    Args:
        stall_s: Seconds without a commit, with lag growing, that are a stall.
    """

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._since_s = 0.0
        self._lag = 0
        self._committed: int | None = None

    def reason(self, now_s: float, lag: int, committed: int) -> str:
        """Why this is a stall, or nothing.

        Args:
            now_s: By a clock that never goes back.
            lag: Messages not yet committed.
            committed: Any number that changes with every commit.
        """
        if committed != self._committed or lag == 0:
            self._since_s, self._lag, self._committed = now_s, lag, committed
        still_s, grown = now_s - self._since_s, lag - self._lag
        if still_s < self._stall_s or grown <= 0:
            return ""
        return f"nothing was committed for {still_s:.0f} s, while {grown} more messages came and {lag} wait"
