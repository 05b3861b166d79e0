"""What a message of our own services holds, whatever else may have been written into its topic."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from streams.broker.log import message_of
from streams.messages.codec import decode
from streams.messages.message import Message
from streams.messages.rejects import InvalidRecord

log = logging.getLogger(__name__)

T = TypeVar("T")


def readable_records(record: Any, kind: type[T], check: Callable[[T], T]) -> tuple[list[T], int]:
    """The records in a message of kafka-python's that pass the check, in order, and how many do not.

    These are named in the log.
    """
    found, n_faults = readable_with_bytes(record, kind, check)
    return [one for one, _ in found], n_faults


def readable_with_bytes(record: Any, kind: type[T], check: Callable[[T], T]) -> tuple[list[tuple[T, bytes]], int]:
    """The same, each with the bytes that it was read from: of `kind` these may hold more than it asks for."""
    message = message_of(record)
    try:
        records, faults = _decoded(message, kind, check)
    except Exception as error:  # a message that nobody thought of must not come back to end the next trainer
        log.exception("a message could not be read")
        records, faults = [], [InvalidRecord("crashed-the-service", "", f"{type(error).__name__}: {error}")]
    if faults:
        place = f"{message.topic}[{message.partition}] at {message.offset}"
        log.error("%s: %d records are no %s: %s", place, len(faults), kind.__name__, faults[0])
    return records, len(faults)


def _decoded(
    message: Message, kind: type[T], check: Callable[[T], T]
) -> tuple[list[tuple[T, bytes]], list[InvalidRecord]]:
    records: list[tuple[T, bytes]] = []
    faults: list[InvalidRecord] = []
    try:
        raws = message.records()
    except InvalidRecord as refusal:
        return [], [refusal]
    for raw in raws:
        try:
            records.append((check(decode(raw, kind)), raw))
        except InvalidRecord as refusal:
            faults.append(refusal)
    return records, faults
