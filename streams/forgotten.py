"""Which sources are to be forgotten, as an operator says in a compacted topic: a record's key is the source's id.

A later tombstone of the same key takes it back.
"""

import logging
import threading
import time
from collections.abc import Iterator

import msgspec

from streams.broker.log import LogReader, TopicMissing
from streams.messages.message import Message
from streams.messages.text import MAX_TEXT_BYTES
from streams.settings import BrokerSettings

log = logging.getLogger(__name__)

ANSWER_S = 5.0
LOOK_AGAIN_S = 60.0


class ForgetRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A value of the topic, in msgpack."""

    source_id: str
    at_ns: int


class Forgotten:
    """The sources that are to be forgotten, up to date with each `poll`. For one thread at a time.

    `sources` are those of the last one. Connects at the first `poll`. Where the broker has no such topic no source is
    forgotten; it is looked for again every LOOK_AGAIN_S.

    Args:
        broker: How to reach it.
        topic: Its name.
    """

    def __init__(self, broker: BrokerSettings, topic: str) -> None:
        self._broker, self._topic = broker, topic
        self._sources: set[str] = set()
        self.sources: frozenset[str] = frozenset()
        self._news: Iterator[Message | None] = iter(())
        self._reader: LogReader | None = None
        self._look_at_s = float("-inf")

    def __contains__(self, source_id: object) -> bool:
        return source_id in self._sources

    def poll(self) -> frozenset[str]:
        """The sources that are newly forgotten; at first all of them, up to the topic's present end.

        Does not wait once the topic was found, and looks for it for at most ANSWER_S.

        Raises:
            LogError: If the broker does not answer; what was known stays known.
        """
        fresh: set[str] = set()
        try:
            if self._reader is not None:
                while (message := next(self._news, None)) is not None:
                    self._apply(message, fresh)
            elif time.monotonic() >= self._look_at_s:
                self._open(fresh)
        finally:
            if self.sources != self._sources:
                self.sources = frozenset(self._sources)
        return frozenset(fresh)

    def close(self) -> None:
        """Leaves the broker."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def _open(self, fresh: set[str]) -> None:
        """Finds the topic and reads all that it holds."""
        try:
            reader = LogReader(self._broker, self._topic, timeout_s=ANSWER_S)
        except TopicMissing:
            self._look_at_s = time.monotonic() + LOOK_AGAIN_S
            return
        try:
            ends = reader.ends()
            for message in reader.read(ends=ends):
                self._apply(message, fresh)
        except BaseException:
            reader.close()
            raise
        self._reader, self._news = reader, reader.follow(threading.Event(), ends, poll_ms=0)

    def _apply(self, message: Message, fresh: set[str]) -> None:
        source_id = _source_of(message)
        if source_id is None:
            log.error("%s[%d] at %d is no source to be forgotten", message.topic, message.partition, message.offset)
        elif message.value is None:
            self._sources.discard(source_id)
            fresh.discard(source_id)
        elif source_id not in self._sources:
            self._sources.add(source_id)
            fresh.add(source_id)


def _source_of(message: Message) -> str | None:
    """The id that the key holds and the value repeats, unless it is a tombstone; None of any other message."""
    key = message.key or b""
    try:
        source_id = key.decode()
        known = message.value is None or msgspec.msgpack.decode(message.value, type=ForgetRecord).source_id == source_id
    except (UnicodeDecodeError, msgspec.MsgspecError):
        return None
    return source_id if known and 0 < len(key) <= MAX_TEXT_BYTES else None
