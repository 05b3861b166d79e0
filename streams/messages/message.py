"""One message of a topic, as it was read. Performs no I/O."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from encoders.schema import schema_complaint
from streams.messages.codec import CONTENT_TYPE_HEADER, LIMITS, SCHEMA_HEADER, Limits, decode, split
from streams.messages.rejects import Header, InvalidRecord, Reject, reject_headers

T = TypeVar("T")

# A header that the reader of a topic adds where a message could not be read as it should be; its value says why.
UNREADABLE = "mmbind.unreadable"
MAX_PASSED_ON_BYTES = 4096  # of a refused message's own headers


class Place(NamedTuple):
    """Where a message lies: it is there once, and stays there."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """A message, whoever read it; `timestamp_ms` is the time of sending, 0 where nobody asked.

    With a `refusal` it is set aside unread: why. `index` is the place of its first record in the message as it lies.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    timestamp_ms: int = 0
    refusal: InvalidRecord | None = None
    index: int = 0

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
    def schema(self) -> str:
        """Which schema its header names for its records; empty where it names none."""
        found = next((value for name, value in self.headers if name == SCHEMA_HEADER), None)
        return (found or b"").decode(errors="replace")

    def records(self, limits: Limits = LIMITS) -> list[bytes]:
        """The raw bytes of each of its records.

        Raises:
            InvalidRecord: If the message is set aside, could not be read or is of a newer schema; if there is nothing,
                more than `limits` allow, or no telling where a record ends.
        """
        if self.refusal is not None:
            raise self.refusal
        if why := next((value for name, value in self.headers if name == UNREADABLE), None):
            raise InvalidRecord("unreadable", "", why.decode(errors="replace"))
        if complaint := self.schema and schema_complaint(self.schema):
            raise InvalidRecord("schema", "", complaint)
        return split(self.value, self.content_type, limits)

    def decoded(
        self, kind: type[T], check: Callable[[T], T] = lambda record: record
    ) -> tuple[list[T], list[InvalidRecord]]:
        """Its records of that kind that pass the check, in order, and what is wrong with the others.

        Args:
            kind: Of the records.
            check: Gives back a record or raises InvalidRecord.
        """
        records: list[T] = []
        faults: list[InvalidRecord] = []
        try:
            raws = self.records()
        except InvalidRecord as refusal:
            return [], [refusal]
        for raw in raws:
            try:
                records.append(check(decode(raw, kind)))
            except InvalidRecord as refusal:
                faults.append(refusal)
        return records, faults

    def reject(self, index: int, raw: bytes, refusal: InvalidRecord, max_bytes: int) -> Reject:
        """What goes to `rejects` for one of its records.

        Args:
            index: Which one.
            raw: The record as it came.
            refusal: Why.
            max_bytes: The longest message that `rejects` takes.
        """
        why = reject_headers(*self.place, self.index + index, refusal.reason, refusal.field, refusal.detail)
        own = tuple((name, value) for name, value in self.headers if value is not None)
        if sum(len(name) + len(value) for name, value in own) > MAX_PASSED_ON_BYTES:
            own = ()
        return Reject(self.key, raw, own + why, refusal.reason).fitted(max_bytes)
