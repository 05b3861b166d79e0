"""What a message of our own services holds, whatever else may have been written into its topic."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from streams.broker.log import message_of
from streams.messages.rejects import InvalidRecord

log = logging.getLogger(__name__)

T = TypeVar("T")


def readable_records(record: Any, kind: type[T], check: Callable[[T], T]) -> tuple[list[T], int]:
    """The records in a message of kafka-python's that pass the check, in order, and how many do not.

    These are named in the log.
    """
    message = message_of(record)
    try:
        records, faults = message.decoded(kind, check)
    except Exception as error:  # a message that nobody thought of must not come back to end the next trainer
        log.exception("a message could not be read")
        records, faults = [], [InvalidRecord("crashed-the-service", "", f"{type(error).__name__}: {error}")]
    if faults:
        place = f"{message.topic}[{message.partition}] at {message.offset}"
        log.error("%s: %d records are no %s: %s", place, len(faults), kind.__name__, faults[0])
    return records, len(faults)
