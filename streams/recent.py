"""What came last, and no more of it than fits. Performs no I/O."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(OrderedDict[K, V]):
    """A dict of at most `limit` entries: where one more comes, the one that was put in first goes.

    `move_to_end` makes an entry the youngest again.

    Args:
        limit: How many.
        on_drop: Called with key and value of each that goes for want of room.

    >>> last = Recent(2)
    >>> last["a"] = last["b"] = last["c"] = 1
    >>> list(last)
    ['b', 'c']
    """

    def __init__(self, limit: int, on_drop: Callable[[K, V], None] | None = None) -> None:
        super().__init__()
        self._limit = limit
        self._on_drop = on_drop

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        if len(self) > self._limit:
            dropped = self.popitem(last=False)
            if self._on_drop:
                self._on_drop(*dropped)


class RecentKeys(Recent[K, None]):
    """The last so many different keys."""

    def note(self, key: K) -> bool:
        """Whether it is a new one; it is known from now on."""
        if key in self:
            return False
        self[key] = None
        return True
