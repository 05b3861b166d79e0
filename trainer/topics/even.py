"""Messages of several partitions in the order in which they were sent. Performs no I/O and reads no clock."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class _Message(NamedTuple, Generic[T]):
    timestamp_ms: int
    offset: int
    records: list[T]


class EvenReading(Generic[T]):
    """Holds messages until no other partition can have an earlier one, as far as is known.

    A client delivers what one answer of the broker held of a partition, a thousand Bindings perhaps, before the next
    partition's. Worked off like that, one partition would be far ahead, and its samples gone before the other's.
    """

    def __init__(self, partitions: Iterable[int]) -> None:
        self._queues: dict[int, deque[_Message[T]]] = {partition: deque() for partition in partitions}
        self._read_to: dict[int, int] = {}
        self.n_records = 0

    def begin(self, offsets: Mapping[int, int]) -> None:
        """Everything is read again from there."""
        for queue in self._queues.values():
            queue.clear()
        self._read_to = dict(offsets)
        self.n_records = 0

    def add(self, partition: int, offset: int, timestamp_ms: int, records: list[T]) -> None:
        """One more message of a partition, with what it holds."""
        self._queues[partition].append(_Message(timestamp_ms, offset, records))
        self._read_to[partition] = offset + 1
        # One in which there is nothing takes room, too.
        self.n_records += max(1, len(records))

    def take(self, ends: Mapping[int, int | None], at_once: bool, limit: int) -> list[T]:
        """What may be worked off now, in order.

        Args:
            ends: The end of each partition, None where it is unknown; while one has more to be read, the others wait.
            at_once: Whatever is still to come.
            limit: No message is begun once so many records are taken.
        """
        taken: list[T] = []
        while heads := [(queue[0].timestamp_ms, partition) for partition, queue in self._queues.items() if queue]:
            if not at_once and any(not queue and self._has_more(p, ends.get(p)) for p, queue in self._queues.items()):
                break
            if len(taken) >= limit:
                break
            message = self._queues[min(heads)[1]].popleft()
            taken += message.records
            self.n_records -= max(1, len(message.records))
        return taken

    def _has_more(self, partition: int, end: int | None) -> bool:
        return end is None or self._read_to.get(partition, 0) < end
