import threading

import pytest
from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import KafkaAdminClient

from deploy.machine.brokers import Broker
from streams.broker.log import LogError, LogReader, committed_offsets, read_all
from streams.settings import BrokerSettings


def make_topic(broker: Broker, topic: str, partitions: int = 2) -> BrokerSettings:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1}})
    admin.close()
    return BrokerSettings(bootstrap_servers=broker.bootstrap_servers)


def send(broker: Broker, topic: str, values: range, partition: int, linger_ms: int = 20) -> None:
    """With a linger the values share a batch, which is when the embedded broker misreports the end."""
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, linger_ms=linger_ms)
    sent = [producer.send(topic, b"%d" % value, partition=partition) for value in values]
    producer.flush()
    for future in sent:
        future.get(timeout=10)
    producer.close()


def test_reads_every_partition_to_its_true_end(broker: Broker, prefix: str) -> None:
    settings = make_topic(broker, f"{prefix}t")
    send(broker, f"{prefix}t", range(100), partition=0)
    send(broker, f"{prefix}t", range(100, 130), partition=1)

    found = read_all(settings, f"{prefix}t")

    assert [int(m.value or b"") for m in found if m.partition == 0] == list(range(100))
    assert [int(m.value or b"") for m in found if m.partition == 1] == list(range(100, 130))


def test_an_empty_topic_ends_at_once(broker: Broker, prefix: str) -> None:
    settings = make_topic(broker, f"{prefix}t")

    assert read_all(settings, f"{prefix}t", timeout_s=5) == []


def test_the_ends_are_told_again_and_again_also_of_partitions_that_stay_as_they_were(
    broker: Broker, prefix: str
) -> None:
    settings = make_topic(broker, f"{prefix}t", partitions=3)
    send(broker, f"{prefix}t", range(5), partition=1)
    with LogReader(settings, f"{prefix}t", timeout_s=10) as reader:
        for n in (5, 6, 7):
            assert reader.ends() == reader.ends() == {0: 0, 1: n, 2: 0}
            send(broker, f"{prefix}t", range(n, n + 1), partition=1)


def test_reads_only_between_the_given_offsets(broker: Broker, prefix: str) -> None:
    settings = make_topic(broker, f"{prefix}t")
    send(broker, f"{prefix}t", range(50), partition=0)
    send(broker, f"{prefix}t", range(50), partition=1)

    with LogReader(settings, f"{prefix}t") as reader:
        assert reader.starts() == {0: 0, 1: 0}
        assert reader.ends() == {0: 50, 1: 50}
        found = list(reader.read({0: 40, 1: 3}, {0: 45, 1: 5}))

    assert sorted((m.partition, m.offset) for m in found) == [*((0, o) for o in range(40, 45)), (1, 3), (1, 4)]


def test_reads_again_from_where_it_is_told(broker: Broker, prefix: str) -> None:
    settings = make_topic(broker, f"{prefix}t", partitions=1)
    send(broker, f"{prefix}t", range(5), partition=0)

    with LogReader(settings, f"{prefix}t") as reader:
        first = [m.offset for m in reader.read()]
        send(broker, f"{prefix}t", range(5, 7), partition=0)
        then = [m.offset for m in reader.read({0: 5})]

    assert (first, then) == ([0, 1, 2, 3, 4], [5, 6])


def test_follows_what_is_written_after_the_end(broker: Broker, prefix: str) -> None:
    settings = make_topic(broker, f"{prefix}t", partitions=1)
    send(broker, f"{prefix}t", range(3), partition=0)
    stop = threading.Event()
    seen: list[int] = []

    with LogReader(settings, f"{prefix}t") as reader:
        for message in reader.follow(stop, {0: 2}, poll_ms=50):
            if message is None and seen == [2]:
                send(broker, f"{prefix}t", range(3, 5), partition=0)
            elif message is not None:
                seen.append(message.offset)
            if seen[-1:] == [4]:
                stop.set()

    assert seen == [2, 3, 4]


def test_says_that_a_topic_is_missing(broker: Broker, prefix: str) -> None:
    settings = BrokerSettings(bootstrap_servers=broker.bootstrap_servers)

    with pytest.raises(LogError, match="no topic"):
        read_all(settings, f"{prefix}none", timeout_s=0.5)


def commit(broker: Broker, group_id: str, topic: str, offset: int) -> None:
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap_servers, group_id=group_id, enable_auto_commit=False)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.commit({TopicPartition(topic, 0): OffsetAndMetadata(offset, "", -1)})
    consumer.close()


def test_tells_what_a_group_committed(broker: Broker, prefix: str) -> None:
    settings = make_topic(broker, f"{prefix}t")
    send(broker, f"{prefix}t", range(5), partition=0)

    assert committed_offsets(settings, f"{prefix}group", f"{prefix}t", [0, 1]) == {}

    commit(broker, f"{prefix}group", f"{prefix}t", 3)

    assert committed_offsets(settings, f"{prefix}group", f"{prefix}t", [0, 1]) == {0: 3}
