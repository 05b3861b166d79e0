"""Of a long topic the newest part is read, and it is said how much was passed over."""

from pathlib import Path

from kafka import KafkaProducer

from deploy.machine.brokers import EmbeddedBroker
from deploy.top.tails import Tails
from streams.broker.connection import producer_config
from streams.messages.topic_names import TopicNames
from tests.support.topics import installed


def test_what_lies_before_the_tail_is_passed_over_and_counted(
    embedded_broker: EmbeddedBroker, prefix: str, tmp_path: Path
) -> None:
    settings = installed(embedded_broker, prefix, tmp_path)
    names = TopicNames(prefix)
    producer = KafkaProducer(**producer_config(settings.broker))
    for topic in (names.rejects, names.models):
        for number in range(10):
            producer.send(topic, str(number).encode(), b"k", partition=0)
    producer.flush(timeout=30)
    producer.close()

    with Tails(settings.broker, {names.rejects: 4, names.models: None}) as tails:
        assert dict(tails.skipped()) == {names.rejects: 6}
        read = [(one.topic, one.value) for one in tails.read_past()]
    assert [value for topic, value in read if topic == names.rejects] == [b"6", b"7", b"8", b"9"]
    assert len([value for topic, value in read if topic == names.models]) == 10
