"""Up to which moment partitions were read, so that a clock need not guess what lies unread. Performs no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass

from streams.intake.acknowledgement import TopicPartition
from streams.messages.message import Place

IDLE_NS = 2_000_000_000  # after so long without work, what was fetched and did not come is no message


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

    def took(self, place: Place) -> None:
        """A message was taken up."""
        partition = place.topic, place.partition
        if place.offset >= self._next.get(partition, 0):
            self._next[partition] = place.offset + 1

    def observe(self, partition: TopicPartition, fetched: Fetched, idle_ns: int) -> None:
        """Compares what was taken up with what the broker says that there is.

        Args:
            partition: One of those given.
            fetched: Of it.
            idle_ns: For so long nothing at all was taken up, and nothing was on its way.
        """
        self._ends[partition] = fetched.end
        if fetched.position >= fetched.end > self._next[partition] and idle_ns >= IDLE_NS:
            self._next[partition] = fetched.end  # marks of transactions lie there
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
