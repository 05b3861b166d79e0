"""Up to which moment partitions were read, so that a clock need not guess what lies unread. Performs no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass

from streams.intake.acknowledgement import TopicPartition
from streams.messages.message import Place

GAP_NS = 2_000_000_000  # so long nothing comes of what is no message: the marks of transactions


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the broker last said of a partition: at `at_ns` its end was `end`; `position` is to be fetched next."""

    end: int
    position: int
    at_ns: int


class ReadMarks:
    """For each partition the latest moment of which is known: all that had been written by then was taken up.

    Args:
        starts: The first offset to come, of each partition that was given.
    """

    def __init__(self, starts: Mapping[TopicPartition, int]) -> None:
        self._next = dict(starts)
        self._ends = dict(starts)
        self._pending: dict[TopicPartition, Fetched] = {}
        self._upto_ns: dict[TopicPartition, int] = dict.fromkeys(starts, 0)
        self._moved_ns: dict[TopicPartition, int] = {}

    def took(self, place: Place) -> None:
        """A message was taken up."""
        partition = place.topic, place.partition
        if place.offset >= self._next.get(partition, 0):
            self._next[partition] = place.offset + 1
            self._moved_ns.pop(partition, None)

    def observe(self, partition: TopicPartition, fetched: Fetched, now_ns: int) -> None:
        """Compares what was taken up with what the broker says that there is.

        Args:
            partition: One of those given.
            fetched: Of it.
            now_ns: The wall clock.
        """
        self._ends[partition] = fetched.end
        # Where all was fetched, what is left is on its way or is no message.
        is_left = fetched.position >= fetched.end > self._next[partition]
        if is_left and now_ns - self._moved_ns.setdefault(partition, now_ns) >= GAP_NS:
            self._next[partition] = fetched.end
        # Not always the latest end: a partition that more is written to all the time would never be read up to it.
        pending = self._pending.setdefault(partition, fetched)
        for one in (pending, fetched):
            if self._next[partition] >= one.end:
                self._upto_ns[partition] = max(self._upto_ns[partition], one.at_ns)
                self._pending.pop(partition, None)
        self._pending.setdefault(partition, fetched)

    def upto_ns(self, partition: TopicPartition) -> int:
        """All that was written before this moment was taken up; a partition that was not given is at its end."""
        return self._upto_ns.get(partition, 2**63)

    def lag(self, partition: TopicPartition) -> int:
        """Messages that lie before the end, as far as it is known, and were not taken up."""
        return max(0, self._ends.get(partition, 0) - self._next.get(partition, 0))

    @property
    def n_taken(self) -> int:
        """A number that grows with what is taken up."""
        return sum(self._next.values())
