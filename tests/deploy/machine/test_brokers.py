import socket
import time
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from deploy.machine import brokers
from deploy.machine.apache_kafka import KafkaBroker, cluster_id
from deploy.machine.brokers import Broker, BrokerError, EmbeddedBroker
from tests.support.brokers import kafka_home
from tests.support.waiting import wait_until


def send(broker: Broker, topic: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers)
    producer.send(topic, value).get(timeout=10)
    producer.close()


def first_value(broker: Broker, topic: str) -> bytes:
    partition = TopicPartition(topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap_servers, group_id=None, enable_auto_commit=False)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    end_s = time.monotonic() + 10
    try:
        while time.monotonic() < end_s:
            for record in consumer.poll(200).get(partition, ()):
                return bytes(record.value)
    finally:
        consumer.close()
    raise AssertionError(f"nothing in {topic}")


def make_topic(broker: Broker, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    admin.create_topics([NewTopic(topic, 1, 1)])
    admin.close()


def test_gives_back_what_was_sent(broker: Broker, prefix: str) -> None:
    topic = f"{prefix}t"
    make_topic(broker, topic)

    send(broker, topic, b"window")

    assert first_value(broker, topic) == b"window"
    assert broker.alive
    assert broker.failure == ""


def test_apache_kafka_keeps_its_data_between_starts(tmp_path: Path) -> None:
    first = KafkaBroker(kafka_home(), tmp_path)
    first.start()
    make_topic(first, "kept")
    send(first, "kept", b"still here")
    first.stop()

    second = KafkaBroker(kafka_home(), tmp_path)
    second.start()
    try:
        assert second.port != first.port
        assert first_value(second, "kept") == b"still here"
    finally:
        second.stop()


def test_stops_the_embedded_broker_at_its_cap_and_says_so(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker.log", max_resident_bytes=1_000, check_every_s=0.05)
    broker.start()
    wait_until(lambda: not broker.alive, 10)

    assert "reached its cap" in broker.failure
    assert "1,000 bytes" in broker.failure


def test_says_that_the_embedded_broker_ended_by_itself(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker.log")
    broker.start()
    assert broker._process is not None
    broker._process.stop()

    assert "ended by itself" in broker.failure
    with pytest.raises(BrokerError, match="cannot be started twice"):
        broker.start()


def test_refuses_an_embedded_broker_with_another_checksum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brokers, "EMBEDDED_SHA256", dict.fromkeys(brokers.EMBEDDED_SHA256, "0" * 64))

    with pytest.raises(BrokerError, match="wanted 0000"):
        brokers.embedded_binary()


def test_names_the_taken_port(embedded_broker: EmbeddedBroker, tmp_path: Path) -> None:
    second = EmbeddedBroker(tmp_path / "broker.log", port=embedded_broker.port)

    with pytest.raises(
        BrokerError, match=rf"cannot listen on 127\.0\.0\.1:{embedded_broker.port}: another process does"
    ):
        second.start()


def test_a_free_port_is_none_that_a_connection_may_be_given() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        given = listening.getsockname()[1]
    assert given not in brokers.FREE_PORTS
    ports = {brokers.free_port() for _ in range(30)}
    assert len(ports) > 25
    assert all(port in brokers.FREE_PORTS for port in ports)


def test_a_port_that_somebody_listens_on_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    port = brokers.free_port()
    monkeypatch.setattr(brokers, "FREE_PORTS", range(port, port + 1))
    assert brokers.free_port() == port
    with socket.create_server(("127.0.0.1", port)), pytest.raises(BrokerError, match="no free port"):
        brokers.free_port()


def test_refuses_a_folder_without_kafka(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="wanted an Apache Kafka download"):
        KafkaBroker(tmp_path, tmp_path / "data").start()


def test_cluster_ids_are_16_bytes_in_base64() -> None:
    assert {len(cluster_id()) for _ in range(50)} == {22}
