"""The `models` topic as a follower sees it, in Kafka or in memory, and the way back for its reports."""

import logging
import threading
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams.broker.connection import producer_config
from streams.broker.log import LogError, LogReader
from streams.messages.message import Message
from streams.messages.topic_names import TopicNames
from streams.records import FollowerReport
from streams.service.lifecycle import wait_for_broker
from streams.settings import BrokerSettings

log = logging.getLogger(__name__)

SILENCE_S = 10.0
RETRY_S = 5.0
# A report is worth no more waiting than this: the next one comes soon.
REPORT_BLOCK_MS = 2000


class ModelRecord(NamedTuple):
    """One record of the topic with its offset."""

    key: bytes
    value: bytes | None
    offset: int


class ModelLog(Protocol):
    """Where a follower reads, and where it says what it did."""

    def records(self, stop: threading.Event) -> Iterator[ModelRecord | None]:
        """All records from the first one on, until `stop` is set; None whenever there are no more at present.

        The first None comes only when the topic's present end is reached. A record may come twice.
        """

    def report(self, report: FollowerReport) -> None:
        """Sends a report; a failure is logged and nothing else."""

    def close(self) -> None:
        """Leaves the broker."""


class KafkaModelLog:
    """The topic in Kafka, read without a group; outlives the broker's absence.

    Args:
        prefix: Of all topics.
    """

    def __init__(self, broker: BrokerSettings, prefix: str = "mmbind.") -> None:
        self._broker = broker
        self._names = TopicNames(prefix)
        self._producer: KafkaProducer | None = None
        self._is_reporting = True

    def records(self, stop: threading.Event) -> Iterator[ModelRecord | None]:
        """All records from the first one on, through the broker's absences: see `ModelLog.records`."""
        return followed(self._broker, self._names.models, stop)

    def report(self, report: FollowerReport) -> None:
        """Sends a report to `followers`; a failure is logged once, until one gets through."""
        try:
            if self._producer is None:
                self._producer = KafkaProducer(
                    **producer_config(self._broker) | {"max_block_ms": REPORT_BLOCK_MS, "bootstrap_timeout_ms": 5000}
                )
            sent = self._producer.send(
                self._names.followers, key=report.follower_id.encode(), value=msgspec.json.encode(report)
            )
            sent.get(timeout=REPORT_BLOCK_MS / 1000)
            self._is_reporting = True
        except KafkaError as error:
            if self._is_reporting:
                log.warning("cannot report to %s: %s", self._names.followers, error)
            self._is_reporting = False

    def close(self) -> None:
        """Leaves the broker, after the last report was given two seconds."""
        if self._producer is not None:
            self._producer.close(timeout=2)


def followed(broker: BrokerSettings, topic: str, stop: threading.Event) -> Iterator[ModelRecord | None]:
    """All records of a topic's partition 0, through the broker's absences: see `ModelLog.records`."""
    said, next_offset = "", 0
    while wait_for_broker(broker, stop):
        try:
            with LogReader(broker, topic, [0], timeout_s=SILENCE_S) as reader:
                for one in _messages(reader, stop, next_offset):
                    next_offset = one.offset + 1 if one else next_offset
                    yield None if one is None else ModelRecord(one.key or b"", one.value, one.offset)
            said = ""
        except (LogError, KafkaError) as error:
            if str(error) != said:
                log.warning("cannot read %s, trying again: %s", topic, error)
                said = str(error)
            stop.wait(RETRY_S)


def _messages(reader: LogReader, stop: threading.Event, start: int) -> Iterator[Message | None]:
    for message in reader.read({0: start}):
        start = message.offset + 1
        yield message
    yield None
    yield from reader.follow(stop, {0: start})


class MemoryModelLog:
    """The topic in memory, for tests and for use without a broker: append records, read the reports."""

    def __init__(self) -> None:
        self.reports: list[FollowerReport] = []
        self._records: list[ModelRecord] = []
        self._news = threading.Condition()

    def append(self, key: bytes, value: bytes | None) -> None:
        """One more record at the end."""
        with self._news:
            self._records.append(ModelRecord(key, value, len(self._records)))
            self._news.notify_all()

    def records(self, stop: threading.Event) -> Iterator[ModelRecord | None]:
        """All that were appended, and those that will be: see `ModelLog.records`."""
        n_read = 0
        while not stop.is_set():
            with self._news:
                fresh = self._records[n_read:]
            yield from fresh
            n_read += len(fresh)
            yield None
            with self._news:
                self._news.wait_for(lambda: len(self._records) > n_read, timeout=0.02)  # noqa: B023 - called at once

    def report(self, report: FollowerReport) -> None:
        """Keeps the report in `reports`."""
        self.reports.append(report)

    def close(self) -> None:
        """Nothing: there is nobody to leave."""
