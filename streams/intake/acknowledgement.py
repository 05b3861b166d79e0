"""Which offsets may be acknowledged, in order, although their records are resolved in any order. Performs no I/O."""

import heapq
from collections.abc import Iterable
from typing import Literal, TypeAlias

from streams.intake.intervals import Intervals
from streams.messages.message import Place

TopicPartition: TypeAlias = tuple[str, int]
Standing: TypeAlias = Literal["new", "waiting", "done"]


class _Partition:
    def __init__(self) -> None:
        self.unresolved: dict[int, int] = {}  # records by offset, until the offset is handed out
        self.queue: list[int] = []  # a heap of the same offsets
        self.done = Intervals()


class Acknowledgement:
    """Books of one process: a message is begun with its number of records, each is resolved once.

    An offset is handed out when all its records are resolved and no smaller offset waits.
    """

    def __init__(self) -> None:
        self._partitions: dict[TopicPartition, _Partition] = {}

    @property
    def n_waiting(self) -> int:
        """Messages that were begun and not handed out."""
        return sum(len(one.queue) for one in self._partitions.values())

    def standing(self, place: Place) -> Standing:
        """Whether a message is new here, is waiting for its records, or was handed out before."""
        books = self._partitions.get((place.topic, place.partition))
        if books is None:
            return "new"
        if place.offset in books.unresolved:
            return "waiting"
        return "done" if place.offset in books.done else "new"

    def begin(self, place: Place, n_records: int) -> None:
        """Opens the books of a message; one that was handed out before may come again.

        Raises:
            ValueError: If it is waiting, or there is nothing to resolve.
        """
        if n_records < 1:
            raise ValueError(f"{place}: {n_records} records, wanted at least 1")
        books = self._partitions.setdefault((place.topic, place.partition), _Partition())
        if place.offset in books.unresolved:
            raise ValueError(f"{place} is already waiting")
        books.unresolved[place.offset] = n_records
        heapq.heappush(books.queue, place.offset)

    def resolve(self, places: Iterable[Place]) -> dict[TopicPartition, list[int]]:
        """Counts one record as resolved for each mention of its message, gives the offsets that are now free.

        A message that is not in the books is passed over: it was begun in an earlier life.
        """
        touched: dict[TopicPartition, None] = {}
        for place in places:
            books = self._partitions.get((place.topic, place.partition))
            if books is not None and books.unresolved.get(place.offset, 0) > 0:
                books.unresolved[place.offset] -= 1
                touched[place.topic, place.partition] = None
        freed = {one: self._free(self._partitions[one]) for one in touched}
        return {one: offsets for one, offsets in freed.items() if offsets}

    def _free(self, books: _Partition) -> list[int]:
        offsets = []
        while books.queue and not books.unresolved[books.queue[0]]:
            offset = heapq.heappop(books.queue)
            del books.unresolved[offset]
            books.done.add(offset)
            offsets.append(offset)
        return offsets
