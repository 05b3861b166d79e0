"""Where samples lie that were read and let go of, and how they are read again.

Nothing but `ReadAgain` touches a network.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from streams.broker.log import LogError, LogReader
from streams.messages.message import Message
from streams.recent import Recent
from streams.settings import BrokerSettings

# Messages between two wanted ones that are rather read than passed over: one answer of the broker holds about as many.
NEAR_MESSAGES = 64


class Place(NamedTuple):
    """A message of the log."""

    partition: int
    offset: int


class PlaceBook(Recent[str, Place]):
    """Places by the sample's id, the oldest going first: from `known_from` on, none has gone.

    Args:
        limit: How many.
        starts: Where reading begins in each partition; at its first message where it is not named.
    """

    def __init__(self, limit: int, starts: Mapping[int, int] | None = None) -> None:
        super().__init__(limit, self._gone)
        self._has_room_for = limit
        self.known_from: dict[int, int] = dict(starts or {})

    @property
    def has_room(self) -> bool:
        """Whether one more can be noted without the loss of another."""
        return len(self) < self._has_room_for

    def _gone(self, sample_id: str, place: Place) -> None:
        self.known_from[place.partition] = max(self.known_from.get(place.partition, 0), place.offset + 1)


class RangeReader(Protocol):
    """Messages of partitions from `starts` (default: the first kept) up to, not including, `ends`."""

    def __call__(self, starts: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Message]:
        """Raises LogError if the broker does not answer."""
        ...


class ReadAgain:
    """A RangeReader that connects when it is first needed.

    Args:
        broker: How to reach it.
        topic: What is read.
    """

    def __init__(self, broker: BrokerSettings, topic: str) -> None:
        self._broker, self._topic = broker, topic
        self._reader: LogReader | None = None

    def __call__(self, starts: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Message]:
        """The messages, partitions mixed, in order within each."""
        if self._reader is None:
            self._reader = LogReader(self._broker, self._topic)
        try:
            yield from self._reader.read(starts, ends)
        except LogError:
            self.close()
            raise

    def close(self) -> None:
        """Leaves the broker."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None


def spans(places: Iterable[Place]) -> Iterator[tuple[int, int, int]]:
    """Partition, first offset and end of ranges that hold these places and not many others."""
    first: Place | None = None
    last: Place | None = None
    for place in sorted(places):
        if first and last and (place.partition != last.partition or place.offset > last.offset + NEAR_MESSAGES):
            yield first.partition, first.offset, last.offset + 1
            first = None
        first, last = first or place, place
    if first and last:
        yield first.partition, first.offset, last.offset + 1
