"""The `models` topic, in Kafka or in memory, read to its end and written to. Knows nothing of training."""

from typing import Protocol

from kafka import KafkaProducer

from streams.broker.connection import producer_config
from streams.broker.log import read_all
from streams.messages.topic_names import TopicNames
from streams.models.channels import ChannelView
from streams.settings import BrokerSettings

SEND_TIMEOUT_S = 30.0


class ModelsTopic(Protocol):
    """The `models` topic as a publisher sees it."""

    def refresh(self) -> ChannelView:
        """The state of all records up to the topic's present end."""

    def append(self, record: tuple[bytes, bytes]) -> None:
        """Writes a record; returns when the broker has it."""


class MemoryModels:
    """The topic in this process, for a replay without a broker; `view` is its state."""

    def __init__(self) -> None:
        self.view = ChannelView()
        self._n_records = 0

    def refresh(self) -> ChannelView:
        """The state of all records that were appended."""
        return self.view

    def append(self, record: tuple[bytes, bytes]) -> None:
        """Keeps the record; it is there at once."""
        self.view.apply(*record, self._n_records)
        self._n_records += 1


class KafkaModels:
    """See `ModelsTopic`. Connects when it is first used, so that it may be made while the broker is away."""

    def __init__(self, broker: BrokerSettings, prefix: str) -> None:
        self._broker, self._topic = broker, TopicNames(prefix).models
        self._producer: KafkaProducer | None = None

    def refresh(self) -> ChannelView:
        """The state of all records up to the topic's present end.

        Raises:
            LogError: If the topic cannot be read.
            KafkaError: If the broker cannot be reached.
        """
        view = ChannelView()
        # A fresh reader each time: one that has read before knows an end that may be old.
        for message in read_all(self._broker, self._topic):
            view.apply(message.key or b"", message.value, message.offset)
        return view

    def append(self, record: tuple[bytes, bytes]) -> None:
        """Writes a record; returns when the broker has it.

        Raises:
            KafkaError: If the broker refuses it or cannot be reached.
        """
        self._send(*record)

    def withdraw(self, key: bytes) -> None:
        """Removes a version or a decision; returns when the broker has it.

        Raises:
            KafkaError: If the broker refuses it or cannot be reached.
        """
        self._send(key, None)

    def _send(self, key: bytes, value: bytes | None) -> None:
        if self._producer is None:
            self._producer = KafkaProducer(**producer_config(self._broker))
        self._producer.send(self._topic, key=key, value=value).get(timeout=SEND_TIMEOUT_S)

    def close(self) -> None:
        """Leaves the broker."""
        if self._producer is not None:
            self._producer.close(timeout=2)
        self._producer = None
