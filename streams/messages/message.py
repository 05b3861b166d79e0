"""One message of a topic, as it was read. Performs no I/O."""

from dataclasses import dataclass
from typing import NamedTuple

from streams.messages.codec import CONTENT_TYPE_HEADER, split
from streams.messages.rejects import Header


class Place(NamedTuple):
    """Where a message lies."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """A message, whoever read it; `timestamp_ms` is the time of sending, 0 where nobody asked."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    timestamp_ms: int = 0

    @property
    def place(self) -> Place:
        """Where it lies."""
        return Place(self.topic, self.partition, self.offset)

    @property
    def content_type(self) -> str | None:
        """What its header says of its value."""
        found = next((value for name, value in self.headers if name.lower() == CONTENT_TYPE_HEADER), None)
        return None if found is None else found.decode(errors="replace")

    @property
    def records(self) -> list[bytes]:
        """The raw bytes of each of its records.

        Raises:
            InvalidRecord: If there is nothing, or no telling where a record ends.
        """
        return split(self.value, self.content_type)
