"""What a message of our own services holds, whatever else may have been written into its topic."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from streams.broker.log import message_of

log = logging.getLogger(__name__)

T = TypeVar("T")


def readable_records(record: Any, kind: type[T], check: Callable[[T], T]) -> tuple[list[T], int]:
    """The records in a message of kafka-python's that pass the check, in order, and how many do not.

    These are named in the log.
    """
    message = message_of(record)
    records, faults = message.decoded(kind, check)
    if faults:
        place = f"{message.topic}[{message.partition}] at {message.offset}"
        log.error("%s: %d records are no %s: %s", place, len(faults), kind.__name__, faults[0])
    return records, len(faults)
