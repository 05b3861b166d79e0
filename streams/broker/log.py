"""Reading a topic as a log: from given offsets up to its present end, or on from there.

Needs no consumer group and commits nothing. The end is taken from the fetch response's high watermark: the embedded
broker answers the usual question for the end with a smaller number.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from encoders.errors import MmbindError
from streams.broker.connection import client_config
from streams.messages.message import Message

if TYPE_CHECKING:  # a sensor's program has no pydantic
    from streams.settings import BrokerSettings

FETCH_WAIT_MS = 100
FETCH_BYTES = 4 << 20


class LogError(MmbindError, ConnectionError):
    """The broker did not tell the end of a partition, or did not deliver up to it, in time."""


class TopicMissing(LogError):  # noqa: N818 - it says what is so
    """The broker has no such topic."""


class LogReader:
    """Reads chosen partitions of one topic.

    Args:
        broker: How to reach it.
        topic: Its name.
        partitions: Which ones; None = all that the broker has.
        timeout_s: How long a partition may stay silent before its end is reached.
        group_id: A group, not joined, that can be asked what it has committed.

    Raises:
        LogError: If the broker is not there; TopicMissing if the topic is not.
    """

    def __init__(
        self,
        broker: "BrokerSettings",
        topic: str,
        partitions: Iterable[int] | None = None,
        timeout_s: float = 30.0,
        group_id: str | None = None,
    ) -> None:
        self.topic = topic
        self._timeout_s = timeout_s
        self._consumer = log_consumer(broker, group_id)
        try:
            chosen = self._all_partitions() if partitions is None else sorted(partitions)
            self._tps = [TopicPartition(topic, partition) for partition in chosen]
            self._consumer.assign(self._tps)
        except BaseException:
            self._consumer.close()
            raise

    @property
    def partitions(self) -> list[int]:
        """Those that are read."""
        return [tp.partition for tp in self._tps]

    def starts(self) -> dict[int, int]:
        """The first offset that each partition still has."""
        found = self._consumer.beginning_offsets(self._tps)
        return {tp.partition: int(offset) for tp, offset in found.items()}

    def committed(self) -> dict[int, int]:
        """What the group has committed of each partition; those without a commit are left out.

        Raises:
            LogError: If the broker does not tell in time.
        """
        limit_ms = round(1000 * self._timeout_s)
        try:
            found = {tp.partition: self._consumer.committed(tp, timeout_ms=limit_ms) for tp in self._tps}
        except KafkaError as error:
            raise LogError(f"{self.topic}: what is committed is unknown: {error}") from error
        return {partition: int(offset) for partition, offset in found.items() if offset is not None and offset >= 0}

    def ends(self) -> dict[int, int]:
        """The present end of each partition: the offset that its next message will have."""
        if not self._tps:
            return {}
        end_s = time.monotonic() + self._timeout_s
        # Assigned anew: an end that was heard before would else be taken for the present one.
        self._consumer.unsubscribe()
        self._consumer.assign(self._tps)
        self._consumer.seek_to_beginning(*self._tps)
        ends: dict[int, int] = {}
        while len(ends) < len(self._tps):
            if time.monotonic() > end_s:
                raise LogError(f"{self.topic}: the end of a partition is unknown after {self._timeout_s:.0f} s")
            self._consumer.poll(50, max_records=1)
            for tp in self._tps:
                if (end := self._consumer.highwater(tp)) is not None:
                    ends[tp.partition] = int(end)
        return ends

    def read(self, starts: Mapping[int, int] | None = None, ends: Mapping[int, int] | None = None) -> Iterator[Message]:
        """Messages from `starts` (default: the first kept) up to, not including, `ends` (default: the present ends).

        Only partitions that `ends` names are read; within one in order, but partitions are mixed. Offsets that
        compaction or transactions left empty at the end of a range are passed over.

        Raises:
            LogError: If nothing comes for `timeout_s` before the ends are reached.
        """
        wanted = self.ends() if ends is None else ends
        upto = {tp: wanted[tp.partition] for tp in self._tps if wanted.get(tp.partition)}
        # Not by pausing the others: kafka-python then at times delivers nothing any more.
        self._consumer.assign(list(upto))
        self._seek(upto, starts or {})
        open_tps = self._unfinished(upto)
        heard_s = time.monotonic()
        while open_tps:
            for tp, records in self._consumer.poll(200).items():
                heard_s = time.monotonic()
                for record in records:
                    if tp in open_tps and record.offset < upto[tp]:
                        yield message_of(record)
            open_tps = self._unfinished(upto)
            if open_tps and time.monotonic() - heard_s > self._timeout_s:
                raise LogError(f"{self.topic}: nothing came for {self._timeout_s:.0f} s before its end")

    def follow(
        self, stop: threading.Event, starts: Mapping[int, int] | None = None, poll_ms: int = 200
    ) -> Iterator[Message | None]:
        """Messages from `starts` on, without end until `stop` is set; None whenever nothing came in `poll_ms`."""
        self._consumer.assign(self._tps)
        self._seek(self._tps, starts or {})
        while not stop.is_set():
            polled = self._consumer.poll(poll_ms)
            if not polled:
                yield None
            for records in polled.values():
                for record in records:
                    yield message_of(record)

    def close(self) -> None:
        """Leaves the broker."""
        self._consumer.close()

    def __enter__(self) -> "LogReader":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _all_partitions(self) -> list[int]:
        end_s = time.monotonic() + self._timeout_s
        while time.monotonic() < end_s:
            if found := self._consumer.partitions_for_topic(self.topic):
                return sorted(found)
            time.sleep(0.1)
        raise TopicMissing(f"the broker has no topic {self.topic}")

    def _seek(self, tps: Iterable[TopicPartition], starts: Mapping[int, int]) -> None:
        for tp in tps:
            if tp.partition in starts:
                self._consumer.seek(tp, starts[tp.partition])
            else:
                self._consumer.seek_to_beginning(tp)

    def _unfinished(self, upto: Mapping[TopicPartition, int]) -> set[TopicPartition]:
        return {tp for tp, end in upto.items() if self._consumer.position(tp) < end}


def read_all(broker: "BrokerSettings", topic: str, timeout_s: float = 30.0) -> list[Message]:
    """Everything that a topic holds now.

    Raises:
        LogError: If the topic is not there or cannot be read in time.
    """
    with LogReader(broker, topic, timeout_s=timeout_s) as reader:
        return list(reader.read())


def committed_offsets(broker: "BrokerSettings", group_id: str, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """What a group has committed for each partition; those without a commit are left out."""
    consumer = log_consumer(broker, group_id=group_id)
    try:
        found = {partition: consumer.committed(TopicPartition(topic, partition)) for partition in partitions}
    finally:
        consumer.close()
    return {partition: int(offset) for partition, offset in found.items() if offset is not None and offset >= 0}


def log_consumer(broker: "BrokerSettings", group_id: str | None = None) -> KafkaConsumer:
    """A consumer that commits nothing unasked and waits little where there is nothing.

    Raises:
        LogError: If the broker cannot be reached.
    """
    try:
        return KafkaConsumer(
            **client_config(broker),
            group_id=group_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_partition_fetch_bytes=FETCH_BYTES,
            # Within a session the broker says nothing of partitions that are as they were: their ends stay unknown.
            enable_incremental_fetch_sessions=False,
        )
    except KafkaError as error:
        raise LogError(f"broker {broker.bootstrap_servers}: {error}") from error


def message_of(record: Any) -> Message:
    """A record of kafka-python's as our own message."""
    headers = tuple(record.headers or ())
    return Message(record.topic, record.partition, record.offset, record.key, record.value, headers, record.timestamp)
