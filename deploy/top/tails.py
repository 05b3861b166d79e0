"""The newest messages of several topics: not more than fits into the time that a screen has for them."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from kafka import TopicPartition

from streams.broker.log import LogError, TopicMissing, log_consumer, message_of
from streams.messages.message import Message
from streams.settings import BrokerSettings

READY_S = 30.0
MAX_POLLED = 200


class Tails:
    """Follows topics from their ends; a context manager.

    Args:
        broker: How to reach it.
        kept: How many of the last messages of each partition are read, by topic; None: all. Whoever is further behind
            than that jumps ahead.

    Raises:
        LogError: If the broker is not there; TopicMissing if a topic is not.
    """

    def __init__(self, broker: BrokerSettings, kept: Mapping[str, int | None]) -> None:
        self._kept = dict(kept)
        self._consumer = log_consumer(broker)
        try:
            self._tps = self._partitions()
            self._skipped = self._begin()
        except BaseException:
            self._consumer.close()
            raise

    def __enter__(self) -> "Tails":
        return self

    def __exit__(self, *exception: object) -> None:
        self._consumer.close()

    def skipped(self) -> Iterator[tuple[str, int]]:
        """What was passed over since this was asked last, by topic; at first: what lies before the tails."""
        passed, self._skipped = self._skipped, {}
        yield from passed.items()

    def read_past(self) -> Iterator[Message]:
        """What was there when this began.

        Raises:
            LogError: If nothing comes for half a minute before that end.
        """
        heard_s = time.monotonic()
        while any(self._consumer.position(tp) < end for tp, end in self._ends.items()):
            for message in self._poll(200):
                heard_s = time.monotonic()
                yield message
            if time.monotonic() - heard_s > READY_S:
                raise LogError(f"nothing came for {READY_S:.0f} s before the end of {', '.join(self._kept)}")

    def read(self, seconds: float) -> Iterator[Message]:
        """What came since, for so many seconds at most; what then is left is passed over but for the newest."""
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            yield from self._poll(max(1, round(1000 * left_s)))
        self._jump_ahead()

    def _poll(self, wait_ms: int) -> Iterator[Message]:
        for records in self._consumer.poll(wait_ms, max_records=MAX_POLLED).values():
            for record in records:
                yield message_of(record)

    def _partitions(self) -> list[TopicPartition]:
        found = []
        for topic in self._kept:
            end_s = time.monotonic() + READY_S
            while not (known := self._consumer.partitions_for_topic(topic)):
                if time.monotonic() > end_s:
                    raise TopicMissing(f"the broker has no topic {topic}")
                time.sleep(0.1)
            found += [TopicPartition(topic, partition) for partition in sorted(known)]
        return found

    def _begin(self) -> dict[str, int]:
        """Seeks to where the tails begin; how many messages lie before them."""
        self._consumer.assign(self._tps)
        self._consumer.seek_to_beginning(*self._tps)
        end_s = time.monotonic() + READY_S
        self._ends: dict[Any, int] = {}
        # From the fetch response: the embedded broker answers the usual question for the end with a smaller number.
        while len(self._ends) < len(self._tps):
            if time.monotonic() > end_s:
                raise LogError(f"the ends of {', '.join(self._kept)} are unknown after {READY_S:.0f} s")
            self._consumer.poll(50, max_records=1)
            self._ends.update((tp, int(end)) for tp in self._tps if (end := self._consumer.highwater(tp)) is not None)
        first = self._consumer.beginning_offsets(self._tps)
        skipped: dict[str, int] = {}
        for tp, end in self._ends.items():
            kept = self._kept[tp.topic]
            start = first[tp] if kept is None else max(first[tp], end - kept)
            self._consumer.seek(tp, start)
            skipped[tp.topic] = skipped.get(tp.topic, 0) + start - first[tp]
        return {topic: n for topic, n in skipped.items() if n}

    def _jump_ahead(self) -> None:
        for tp in self._tps:
            kept, end = self._kept[tp.topic], self._consumer.highwater(tp)
            at = self._consumer.position(tp)
            if kept is not None and end is not None and end - at > kept:
                self._consumer.seek(tp, end - kept)
                self._skipped[tp.topic] = self._skipped.get(tp.topic, 0) + end - kept - at
