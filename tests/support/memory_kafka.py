"""A broker and its consumers in memory: as much of kafka-python's consumer as the trainer uses."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError
from kafka.structs import OffsetAndMetadata

from streams.messages.message import Message


@dataclass(frozen=True)
class MemoryMessage:
    topic: str
    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int = 0


class MemoryBroker:
    """Messages by topic and partition; while `is_away` nothing comes and questions time out."""

    def __init__(self) -> None:
        self.logs: dict[TopicPartition, list[MemoryMessage]] = {}
        self.starts: dict[TopicPartition, int] = {}
        self.committed: dict[TopicPartition, int] = {}
        self.is_away = False

    def write(self, topic: str, partition: int, value: bytes, timestamp: int = 0) -> int:
        written = self.logs.setdefault(TopicPartition(topic, partition), [])
        written.append(MemoryMessage(topic, partition, len(written), value, timestamp=timestamp))
        return len(written) - 1


def reading_again(broker: MemoryBroker, topic: str) -> Callable[..., Iterator[Message]]:
    """Reads ranges of a topic, as `trainer.topics.places.ReadAgain` does."""

    def read(starts: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Message]:
        for partition, end in ends.items():
            for one in broker.logs.get(TopicPartition(topic, partition), [])[starts.get(partition, 0) : end]:
                yield Message(topic, partition, one.offset, one.key, one.value)

    return read


class MemoryConsumer:
    """`give` hands out partitions as a group's coordinator would, before the next poll returns."""

    def __init__(self, broker: MemoryBroker, max_messages: int = 1) -> None:
        self._broker, self._max_messages = broker, max_messages
        self._positions: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._listener: Any = None
        self._given: list[TopicPartition] | None = None
        self.on_refused: Callable[[], None] = lambda: None
        self.n_messages = 0
        self.is_closed = False

    def subscribe(self, topics: list[str], listener: Any) -> None:
        self._listener = listener
        self._given = sorted(tp for tp in self._broker.logs if tp.topic in topics)

    def give(self, tps: Iterable[TopicPartition]) -> None:
        self._given = list(tps)

    def assign(self, tps: Iterable[TopicPartition]) -> None:
        self._positions = {tp: self._positions.get(tp, 0) for tp in tps}

    def assignment(self) -> set[TopicPartition]:
        return set(self._positions)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self._positions[tp] = offset

    def seek_to_beginning(self, *tps: TopicPartition) -> None:
        for tp in tps:
            self._positions[tp] = self._broker.starts.get(tp, 0)

    def position(self, tp: TopicPartition) -> int:
        return self._positions[tp]

    def highwater(self, tp: TopicPartition) -> int | None:
        return self._ends.get(tp)

    def beginning_offsets(
        self, tps: Iterable[TopicPartition], timeout_ms: int | None = None
    ) -> dict[TopicPartition, int]:
        if self._broker.is_away:
            self.on_refused()
            raise KafkaTimeoutError
        return {tp: self._broker.starts.get(tp, 0) for tp in tps}

    def end_offsets(self, tps: Iterable[TopicPartition], timeout_ms: int | None = None) -> dict[TopicPartition, int]:
        if self._broker.is_away:
            self.on_refused()
            raise KafkaTimeoutError
        return {tp: len(self._broker.logs.get(tp, [])) for tp in tps}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {tp.partition for tp in self._broker.logs if tp.topic == topic}

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[MemoryMessage]]:
        if self._given is not None and not self._broker.is_away:
            self._positions, self._ends = dict.fromkeys(self._given, 0), {}
            given, self._given = self._given, None
            self._listener.on_partitions_assigned(given)
        polled: dict[TopicPartition, list[MemoryMessage]] = {}
        for tp in sorted(self._positions) if not self._broker.is_away else ():
            written = self._broker.logs.get(tp, [])
            position = max(self._positions[tp], self._broker.starts.get(tp, 0))
            self._ends[tp] = len(written)
            if taken := written[position : position + min(max_records, self._max_messages)]:
                polled[tp] = taken
                self.n_messages += len(taken)
                self._positions[tp] = taken[-1].offset + 1
        return polled

    def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata], timeout_ms: int) -> None:
        if self._broker.is_away:
            raise KafkaTimeoutError
        self._broker.committed |= {tp: one.offset for tp, one in offsets.items()}

    def close(self, autocommit: bool = False, timeout_ms: int | None = None) -> None:
        self.is_closed = True
