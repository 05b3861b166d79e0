from collections.abc import Iterator

import msgspec
import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from deploy.machine.brokers import Broker
from streams.broker.log import LogError
from streams.forgotten import ForgetRecord, Forgotten
from streams.settings import BrokerSettings
from tests.support.waiting import wait_until

PATIENCE_S = 30.0


class Operator:
    """Says which sources are to be forgotten, in a topic of its own."""

    def __init__(self, broker: Broker, topic: str) -> None:
        self.topic = topic
        self.settings = BrokerSettings(bootstrap_servers=broker.bootstrap_servers)
        self._producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers)

    def make_topic(self) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.settings.bootstrap_servers)
        admin.create_topics({self.topic: {"num_partitions": 1, "replication_factor": 1}})
        admin.wait_for_topics([self.topic])
        admin.close()

    def write(self, key: bytes, value: bytes | None) -> None:
        self._producer.send(self.topic, key=key, value=value).get(timeout=PATIENCE_S)

    def forget(self, *sources: str) -> None:
        for one in sources:
            self.write(one.encode(), msgspec.msgpack.encode(ForgetRecord(source_id=one, at_ns=7)))

    def close(self) -> None:
        self._producer.close()


@pytest.fixture
def operator(broker: Broker, prefix: str) -> Iterator[Operator]:
    made = Operator(broker, f"{prefix}forgotten")
    yield made
    made.close()


def test_knows_at_once_what_was_said_before_and_then_what_is_said(operator: Operator) -> None:
    operator.make_topic()
    operator.forget("a", "b", "c")
    operator.write(b"b", None)
    forgotten = Forgotten(operator.settings, operator.topic)
    assert forgotten.poll() == {"a", "c"}
    assert "a" in forgotten and "b" not in forgotten
    operator.forget("a", "d")
    wait_until(lambda: forgotten.poll() == {"d"}, PATIENCE_S)
    operator.write(b"a", None)
    wait_until(lambda: forgotten.poll() == set() and "a" not in forgotten, PATIENCE_S)
    forgotten.close()


def test_what_is_no_such_record_is_passed_over(operator: Operator) -> None:
    operator.make_topic()
    operator.forget("a")
    operator.write(b"b", b"\xc1")
    operator.write(b"\xff\xfe", msgspec.msgpack.encode(ForgetRecord(source_id="c", at_ns=7)))
    operator.write(b"d", msgspec.msgpack.encode(ForgetRecord(source_id="e", at_ns=7)))
    operator.forget("f")
    forgotten = Forgotten(operator.settings, operator.topic)
    assert forgotten.poll() == {"a", "f"}
    forgotten.close()


def test_without_the_topic_no_source_is_forgotten_until_it_is_made(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.forgotten.ANSWER_S", 1.0)
    monkeypatch.setattr("streams.forgotten.LOOK_AGAIN_S", 0.0)
    forgotten = Forgotten(operator.settings, operator.topic)
    assert forgotten.poll() == set()
    operator.make_topic()
    operator.forget("a")
    wait_until(lambda: forgotten.poll() == {"a"}, PATIENCE_S)
    forgotten.close()


def test_a_broker_that_is_away_is_no_missing_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise LogError("the broker is away")

    monkeypatch.setattr("streams.forgotten.LogReader", away)
    with pytest.raises(LogError):
        Forgotten(BrokerSettings(), "forgotten").poll()
