"""What a sensor sends arrives, and what is refused stops nothing else. Against real brokers."""

import logging
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import MessageSizeTooLargeError

from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import Broker
from streams.broker.connection import BrokerUnreachable
from streams.broker.log import read_all
from streams.messages.codec import Format, decode_window, split
from streams.messages.outbox import partition_of
from streams.messages.rejects import InvalidRecord
from streams.messages.signature import Signatures
from streams.producer import SendError, WindowProducer
from streams.records import SensorWindow
from streams.settings import BrokerSettings

N_PARTITIONS = 3
SMALL = np.ones((4, 2), np.float32)
HUGE = np.ones((20_000, 2), np.float32)  # 160 kB


def make_topic(broker: Broker, name: str, **configs: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    options = {"num_partitions": N_PARTITIONS, "replication_factor": 1, "configs": configs}
    admin.create_topics({name: options})
    admin.wait_for_topics([name])
    admin.close()


def messages(broker: Broker, topic: str, n_windows: int) -> list[tuple[int, bytes, list[SensorWindow]]]:
    """Partition, key and windows of each message, until so many windows were read or 10 s are over."""
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap_servers, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(topic, partition) for partition in range(N_PARTITIONS)])
    consumer.seek_to_beginning()
    read: list[tuple[int, bytes, list[SensorWindow]]] = []
    deadline = time.monotonic() + 10
    while sum(len(windows) for *_, windows in read) < n_windows and time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=100).values():
            read += [(one.partition, one.key, [decode_window(raw) for raw in split(one.value)]) for one in records]
    consumer.close()
    return read


@pytest.fixture
def make_producer(prefix: str) -> Iterator[Callable[..., WindowProducer]]:
    made: list[WindowProducer] = []

    def make(broker: Broker, **options: object) -> WindowProducer:
        made.append(WindowProducer(broker.bootstrap_servers, prefix, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("form", ["msgpack", "json"])
def test_windows_arrive_in_order_in_their_sources_partition(
    broker: Broker, prefix: str, make_producer: Callable[..., WindowProducer], form: Format
) -> None:
    topic = f"{prefix}windows.gravity"
    make_topic(broker, topic)
    with make_producer(broker, form=form) as producer:
        for i in range(30):
            producer.send(f"node-{i % 5}", "gravity", i, SMALL[:, 0] * i, label="walk")
    read = messages(broker, topic, 30)
    by_source: dict[bytes, list[int]] = {}
    for partition, key, windows in read:
        assert partition == partition_of(key, N_PARTITIONS)
        by_source.setdefault(key, []).extend(window.start_ns for window in windows)
    assert by_source == {b"node-%d" % i: list(range(i, 30, 5)) for i in range(5)}
    first = next(window for *_, windows in read for window in windows if window.start_ns == 7)
    assert (first.values.tolist(), first.label) == ([[7.0]] * 4, "walk")
    assert not producer.errors


def test_several_windows_share_a_message_and_none_waits_longer_than_the_linger(
    embedded_broker: Broker, prefix: str, make_producer: Callable[..., WindowProducer]
) -> None:
    topic = f"{prefix}windows.gravity"
    make_topic(embedded_broker, topic)
    producer = make_producer(embedded_broker, batch=4, linger_s=0.1)
    for i in range(6):
        producer.send("node", "gravity", i, SMALL)
    # Without flush or close: the last two come by the linger.
    read = messages(embedded_broker, topic, 6)
    assert [[window.start_ns for window in windows] for *_, windows in read] == [[0, 1, 2, 3], [4, 5]]


def test_a_message_is_cut_where_it_would_become_too_long(
    embedded_broker: Broker, prefix: str, make_producer: Callable[..., WindowProducer]
) -> None:
    topic = f"{prefix}windows.gravity"
    make_topic(embedded_broker, topic)
    with make_producer(embedded_broker, batch=10, max_bytes=400_000) as producer:
        for i in range(10):
            producer.send("node", "gravity", i, HUGE)
    read = messages(embedded_broker, topic, 10)
    assert [len(windows) for *_, windows in read] == [2, 2, 2, 2, 2]
    assert not producer.errors


def test_a_window_too_long_for_the_client_is_reported_and_the_next_goes_on(
    broker: Broker, prefix: str, make_producer: Callable[..., WindowProducer], caplog: pytest.LogCaptureFixture
) -> None:
    topic = f"{prefix}windows.gravity"
    make_topic(broker, topic)
    heard: list[SendError] = []
    caplog.set_level(logging.WARNING, "streams.producer")
    with make_producer(broker, max_bytes=100_000, on_error=heard.append) as producer:
        for i, values in enumerate([SMALL, HUGE, SMALL, SMALL]):
            producer.send("node", "gravity", i, values)
    assert [window.start_ns for *_, windows in messages(broker, topic, 3) for window in windows] == [0, 2, 3]
    assert [(one.windows[0].start_ns, type(one.error)) for one in heard] == [(1, MessageSizeTooLargeError)]
    assert (list(producer.errors), producer.n_failed) == (heard, 1)
    assert "node/gravity/1" in caplog.text


@pytest.mark.parametrize("batch", [1, 2])
def test_a_window_that_the_broker_refuses_does_not_silence_the_producer(
    kafka_broker: KafkaBroker, prefix: str, make_producer: Callable[..., WindowProducer], batch: int
) -> None:
    topic = f"{prefix}windows.gravity"
    make_topic(kafka_broker, topic, **{"max.message.bytes": "50000"})
    producer = make_producer(kafka_broker, batch=batch, linger_s=0.05)
    for i, values in enumerate([SMALL, SMALL, HUGE, HUGE, SMALL, SMALL, SMALL, SMALL]):
        producer.send("node", "gravity", i, values)
    producer.flush()
    for i in range(8, 12):
        producer.send("node", "gravity", i, SMALL)
    producer.flush()
    arrived = [window.start_ns for *_, windows in messages(kafka_broker, topic, 10) for window in windows]
    refused = [window.start_ns for one in producer.errors for window in one.windows]
    assert (arrived, refused, producer.n_failed) == ([0, 1, *range(4, 12)], [2, 3], 2)
    assert all(isinstance(one.error, MessageSizeTooLargeError) for one in producer.errors)


def test_a_time_that_the_broker_refuses_does_not_silence_the_producer(
    kafka_broker: KafkaBroker, prefix: str, make_producer: Callable[..., WindowProducer]
) -> None:
    # The record's own time is the time of sending, so a window from the future arrives, to be refused by ingest.
    topic = f"{prefix}windows.gravity"
    make_topic(kafka_broker, topic)
    with make_producer(kafka_broker) as producer:
        producer.send("node", "gravity", time.time_ns() + 7200 * 10**9, SMALL)
        producer.send("node", "gravity", 2, SMALL)
    assert len(messages(kafka_broker, topic, 2)) == 2
    assert not producer.errors


@pytest.mark.parametrize("form", ["msgpack", "json"])
def test_what_it_signs_is_what_the_check_passes(
    embedded_broker: Broker, prefix: str, make_producer: Callable[..., WindowProducer], form: Format
) -> None:
    topic, keys = f"{prefix}windows.gravity", {"a": b"a" * 16, "b": b"b" * 32}
    make_topic(embedded_broker, topic)
    with make_producer(embedded_broker, form=form, batch=3, signing_key=keys) as producer:
        for i in range(6):
            producer.send("ab"[i % 2], "gravity", i, SMALL)
        with pytest.raises(ValueError, match="no signing key for source 'c'"):
            producer.send("c", "gravity", 1, SMALL)
    with make_producer(embedded_broker, form=form, signing_key=keys["a"]) as producer:
        producer.send("a", "gravity", 7, SMALL)
    read = read_all(BrokerSettings(bootstrap_servers=embedded_broker.bootstrap_servers), topic)
    assert len(read) == 3
    for one in read:
        Signatures(keys).check(one)
        with pytest.raises(InvalidRecord, match="signature"):
            Signatures({"a": b"x" * 16, "b": b"x" * 16}).check(one)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_every_compression_is_sent(
    embedded_broker: Broker, prefix: str, make_producer: Callable[..., WindowProducer], codec: str
) -> None:
    topic = f"{prefix}windows.gravity"
    make_topic(embedded_broker, topic)
    with make_producer(embedded_broker, compression_type=codec) as producer:
        producer.send("node", "gravity", 1, SMALL)
    assert len(messages(embedded_broker, topic, 1)) == 1


def test_what_cannot_be_is_said_at_once(embedded_broker: Broker, make_producer: Callable[..., WindowProducer]) -> None:
    with pytest.raises(ValueError, match="silence"):
        make_producer(embedded_broker, enable_idempotence=True)
    with pytest.raises(ValueError, match="batch"):
        make_producer(embedded_broker, batch=0)
    with pytest.raises(ValueError, match="less than 16 bytes"):
        make_producer(embedded_broker, signing_key=b"short")
    producer = make_producer(embedded_broker)
    with pytest.raises(ValueError, match="shape"):
        producer.send("node", "gravity", 0, np.zeros((2, 2, 2)))


def test_a_broker_that_is_not_there_is_named() -> None:
    with pytest.raises(BrokerUnreachable, match=r"127\.0\.0\.1:1"):
        WindowProducer("127.0.0.1:1")
