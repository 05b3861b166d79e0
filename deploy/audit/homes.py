"""Which samples hold a window, by its content. Performs no I/O."""

from collections.abc import Iterator
from typing import NamedTuple

from deploy.audit.account import WindowEntry
from deploy.rejects.record import RecordPlace


class Home(NamedTuple):
    """A sample that holds a window, and what kind of sample it is."""

    kind: str
    place: RecordPlace


class Homes:
    """Filled by samples, emptied by windows: what is left in the end has no window.

    Mostly a content has one home. That is held without a list around it: there are as many as windows.
    """

    def __init__(self) -> None:
        self._first: dict[int, Home | None] = {}  # None once it is taken
        self._more: dict[int, list[Home]] = {}
        self._takers: dict[int, WindowEntry] = {}  # of contents that have more homes

    def add(self, content: int, home: Home) -> None:
        """One more home of that content."""
        if self._first.setdefault(content, home) is not home:
            self._more.setdefault(content, []).append(home)

    def take(self, window: WindowEntry) -> Home | None:
        """A home for the window, which nobody else gets; None if there is none."""
        content = window.content
        assert content is not None, "only what is a window lies in samples"
        home = self._first.get(content)
        if home is not None:
            self._first[content] = None
        elif more := self._more.get(content):
            home = more.pop()
        if self._more.get(content):
            self._takers[content] = window
        return home

    def left(self) -> Iterator[tuple[WindowEntry | None, Home]]:
        """The homes that nobody took, each with a window of the same content that took another one, if there is one."""
        for home in self._first.values():
            if home is not None:
                yield None, home
        for content, homes in self._more.items():
            for home in homes:
                yield self._takers.get(content), home
