"""Which samples hold a window, by its content. Performs no I/O."""

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from deploy.audit.account import WindowEntry
from deploy.rejects.record import RecordPlace


class Home(NamedTuple):
    """A sample that holds a window, what kind of sample it is, and when its first window starts."""

    kind: str
    place: RecordPlace
    start_ns: int


class Homes:
    """Filled by samples, then emptied by windows: what is left in the end has no window.

    Mostly a content has one home. That is held without a list around it: there are as many as windows.
    """

    def __init__(self) -> None:
        self._single: dict[int, Home] = {}
        self._several: dict[int, _Homes] = {}

    def add(self, content: int, home: Home) -> None:
        """One more home of that content."""
        if (several := self._several.get(content)) is not None:
            several.add(home)
        elif (first := self._single.setdefault(content, home)) is not home:
            several = self._several[content] = _Homes()
            several.add(self._single.pop(content, first))
            several.add(home)

    def take(self, window: WindowEntry) -> Home | None:
        """The home that starts with the window, or else another, which nobody else gets; None if there is none."""
        content = window.content
        assert content is not None, "only what is a window lies in samples"
        several = self._several.get(content)
        return self._single.pop(content, None) if several is None else several.take(window)

    def left(self) -> Iterator[tuple[WindowEntry | None, Home]]:
        """The homes that nobody took, each with the nearest window of the same content that took one, if any."""
        for home in self._single.values():
            yield None, home
        for several in self._several.values():
            yield from several.left()


def _start_ns(one: Home | WindowEntry) -> int:
    return one.start_ns


@dataclass(slots=True)
class _Homes:
    """Of one content that a sensor sent more than once, by their start."""

    homes: list[Home] = field(default_factory=list)
    takers: list[WindowEntry] = field(default_factory=list)

    def add(self, home: Home) -> None:
        insort(self.homes, home, key=_start_ns)

    def take(self, window: WindowEntry) -> Home | None:
        if not self.homes:
            return None
        insort(self.takers, window, key=_start_ns)
        after = bisect_right(self.homes, window.start_ns, key=_start_ns)
        return self.homes.pop(max(after - 1, 0))

    def left(self) -> Iterator[tuple[WindowEntry | None, Home]]:
        for home in self.homes:
            place = bisect_right(self.takers, home.start_ns, key=_start_ns)
            near = self.takers[max(place - 1, 0) : place + 1]
            yield min(near, key=lambda taker: abs(taker.start_ns - home.start_ns), default=None), home
