"""What a message of our own services holds, whatever else may have been written into its topic."""

import logging
from typing import Any, TypeVar

from streams.messages.codec import decode, split
from streams.messages.rejects import InvalidRecord

log = logging.getLogger(__name__)

T = TypeVar("T")


def readable_records(message: Any, kind: type[T]) -> tuple[list[T], int]:
    """The records of a consumed message in order, and how many could not be read; those are named in the log."""
    records: list[T] = []
    faults: list[InvalidRecord] = []
    try:
        raws = split(message.value)
    except InvalidRecord as error:
        raws, faults = [], [error]
    for raw in raws:
        try:
            records.append(decode(raw, kind))
        except InvalidRecord as error:
            faults.append(error)
    if faults:
        place = f"{message.topic}[{message.partition}] at {message.offset}"
        log.error("%s: %d records are no %s: %s", place, len(faults), kind.__name__, faults[0])
    return records, len(faults)
