"""How long to wait before the next try. Reads no clock and does not wait."""


class Backoff:
    """Waits that double with each try, up to a longest one.

    Args:
        first_s: The first wait, above 0.
        longest_s: The longest one.

    >>> wait = Backoff(1, 5)
    >>> [wait.next_s() for _ in range(4)]
    [1, 2, 4, 5]
    >>> wait.reset()
    >>> wait.next_s()
    1
    """

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = self._wait_s = first_s
        self._longest_s = longest_s

    def next_s(self) -> float:
        """How long to wait now, in seconds."""
        wait_s, self._wait_s = self._wait_s, min(2 * self._wait_s, self._longest_s)
        return wait_s

    def reset(self) -> None:
        """Something went well: the next wait is the first one again."""
        self._wait_s = self._first_s
