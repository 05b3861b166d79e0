"""Seconds spent on parts of some work, by a clock that is given. Reads none of its own."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up seconds by the name of what was done; without a clock it does nothing.

    Args:
        clock: Seconds from any beginning, as `time.perf_counter` gives them.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self._seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Counts what is done inside as that part's."""
        if self._clock is None:
            yield
            return
        start_s = self._clock()
        try:
            yield
        finally:
            self._seconds[part] += self._clock() - start_s

    def taken(self) -> dict[str, float]:
        """The seconds since this was asked last, by part."""
        seconds = dict(self._seconds)
        self._seconds.clear()
        return seconds
