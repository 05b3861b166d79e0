"""A refused record, as its message in `rejects` tells it. Performs no I/O."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from deploy.errors import WrongInput
from streams.messages.message import Message
from streams.messages.rejects import HEADER_PREFIX, Header

PLACE = re.compile(r"(?P<topic>[^\[\]@#]+)\[(?P<partition>\d+)\]@(?P<offset>-?\d+)(#(?P<record>\d+))?")


class RecordPlace(NamedTuple):
    """Where a record lies: `record` is its place in its message."""

    topic: str
    partition: int
    offset: int
    record: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}#{self.record}"


def place_from(text: str) -> RecordPlace:
    """The place that `str` gave; without `#` that of a message's first record.

    Raises:
        WrongInput: If the text is no place.
    """
    found = PLACE.fullmatch(text)
    if found is None:
        raise WrongInput(
            f"place {text!r}: wanted TOPIC[PARTITION]@OFFSET#RECORD, such as mmbind.windows.gravity[0]@17#0"
        )
    return RecordPlace(found["topic"], int(found["partition"]), int(found["offset"]), int(found["record"] or 0))


@dataclass(frozen=True, slots=True, eq=False)
class RefusedRecord:
    """One record that was refused.

    Args:
        place: Where it came from; its offset is -1 where it was a service's own message and too long for its topic.
        sent_ms: When it was refused.
        reason: Why.
        field: Of the record, empty where it is all of it.
        got: What was there.
        wanted: What should have been.
        key: Of the message that it came in.
        value: The record as it came, or its beginning where it `is_cut`.
        headers: Of the message that it came in.
        n_bytes: How long the whole record is.
    """

    place: RecordPlace
    sent_ms: int
    reason: str
    field: str
    got: str
    wanted: str
    key: bytes | None
    value: bytes
    headers: tuple[Header, ...]
    n_bytes: int

    @property
    def source(self) -> str:
        """The key, as text."""
        return (self.key or b"").decode(errors="replace")

    @property
    def is_cut(self) -> bool:
        """Whether only the beginning of the record is here."""
        return self.n_bytes != len(self.value)


def refused_record(message: Message) -> RefusedRecord | None:
    """What a message of `rejects` is of; None if it does not say so."""
    # The last of a name is ours: those that the refused message had itself stand before.
    told = {
        name.removeprefix(HEADER_PREFIX): value.decode(errors="replace")
        for name, value in message.headers
        if name.startswith(HEADER_PREFIX) and value is not None
    }
    value = message.value or b""
    try:
        place = RecordPlace(sys.intern(told["topic"]), int(told["partition"]), int(told["offset"]), int(told["index"]))
        n_bytes = int(told.get("size_bytes", len(value)))
        reason = sys.intern(told["reason"])
    except (KeyError, ValueError):
        return None
    field = told.get("field", "")
    detail = told.get("detail", "").removeprefix(f"{field or 'record'}: {reason}: ")
    got, has_wanted, wanted = detail.rpartition(", wanted ")
    if not has_wanted:
        got, wanted = detail, ""
    own = tuple((name, v) for name, v in message.headers if v is not None and not name.startswith(HEADER_PREFIX))
    return RefusedRecord(place, message.timestamp_ms, reason, field, got, wanted, message.key, value, own, n_bytes)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which refused records are meant: those that fit everything that is given.

    Args:
        reasons: Any of these.
        topics: That they came from, with or without the prefix.
        sources: Their messages' keys.
        places: Where they lie.
        since_ms: Refused then or later.
    """

    reasons: Sequence[str] = ()
    topics: Sequence[str] = ()
    sources: Sequence[str] = ()
    places: Sequence[RecordPlace] = ()
    since_ms: int = 0

    def fits(self, record: RefusedRecord, prefix: str) -> bool:
        """Whether it is meant; `prefix` is that of the topics."""
        topic = record.place.topic
        return (
            (not self.reasons or record.reason in self.reasons)
            and (not self.topics or topic in self.topics or topic.removeprefix(prefix) in self.topics)
            and (not self.sources or record.source in self.sources)
            and (not self.places or record.place in self.places)
            and record.sent_ms >= self.since_ms
        )
