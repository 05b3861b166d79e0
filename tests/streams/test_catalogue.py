"""Which modalities there are, as the broker tells it. Against real brokers."""

import logging

import msgspec
import pytest
from kafka import KafkaProducer

from deploy.machine.brokers import Broker
from deploy.topics.installation import install_topics, installation_differences
from streams.broker.log import TopicMissing
from streams.broker.topics import wanted_topics
from streams.catalogue import KnownModality, catalogue_changes, modalities_of, read_catalogue, write_catalogue
from streams.messages.topic_names import TopicNames
from streams.settings import BrokerSettings, IngestSettings, ModalitySettings, StreamSettings, TopicSettings

ACC = ModalitySettings(n_channels=3, n_steps=20, rate_hz=20, unit="g", channels=("x", "y", "z"))
GYRO = ModalitySettings(n_channels=1, n_steps=5, rate_hz=2.5)


def settings(broker: Broker, prefix: str, hop_s: float = 1.0, **modalities: ModalitySettings) -> StreamSettings:
    return StreamSettings(
        broker=BrokerSettings(bootstrap_servers=broker.bootstrap_servers, compression="zstd"),
        topics=TopicSettings(prefix=prefix),
        modalities=modalities,
        shared_modality="acc",
        ingest=IngestSettings(hop_s=hop_s),
    )


def test_what_is_installed_is_told_and_followed_by_each_change(broker: Broker, prefix: str) -> None:
    first = settings(broker, prefix, acc=ACC, gyro=GYRO)
    made, told = install_topics(first)
    assert set(made) == {topic.name for topic in wanted_topics(first)} and told == ["acc", "gyro"]
    assert read_catalogue(first.broker, prefix) == modalities_of(first)
    assert install_topics(first) == ([], []) and installation_differences(first) == []

    other = settings(broker, prefix, acc=ACC, magnet=GYRO)
    install_topics(settings(broker, prefix, acc=ACC, gyro=GYRO, magnet=GYRO))
    assert installation_differences(other) == [
        "clients are told otherwise of modality gyro: `mmbind topics create` tells them"
    ]
    assert write_catalogue(other) == ["gyro"]
    assert read_catalogue(other.broker, prefix) == modalities_of(other)

    later = settings(broker, prefix, hop_s=2.0, acc=ACC, magnet=GYRO)
    assert write_catalogue(later) == ["acc", "magnet"]
    assert {one.hop_s for one in read_catalogue(later.broker, prefix).values()} == {2.0}


def test_what_a_stranger_wrote_is_left_out(
    embedded_broker: Broker, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    own = settings(embedded_broker, prefix, acc=ACC)
    install_topics(own)
    foreign = msgspec.json.encode(KnownModality(spec=GYRO.spec("gyro"), hop_s=1.0))
    producer = KafkaProducer(bootstrap_servers=embedded_broker.bootstrap_servers, enable_idempotence=False)
    for key, value in ((b"magnet", b"{}"), (b"\xff", b"nonsense"), (None, foreign), (b"magnet", foreign)):
        producer.send(TopicNames(prefix).modalities, key=key, value=value)
    producer.close()
    with caplog.at_level(logging.ERROR):
        assert read_catalogue(own.broker, prefix) == modalities_of(own)
    assert len([one for one in caplog.messages if "'magnet'" in one]) == 2


def test_without_the_topic_it_is_said_what_makes_it(kafka_broker: Broker, prefix: str) -> None:
    broker = BrokerSettings(bootstrap_servers=kafka_broker.bootstrap_servers)
    with pytest.raises(TopicMissing, match=rf"the broker has no topic {prefix}modalities: `mmbind topics create`"):
        read_catalogue(broker, prefix)


def test_only_what_changed_is_written() -> None:
    acc, gyro = (KnownModality(spec=one.spec(name), hop_s=1.0) for name, one in (("acc", ACC), ("gyro", GYRO)))
    assert catalogue_changes({}, {"acc": acc}) == {"acc": acc}
    assert catalogue_changes({"acc": acc, "gyro": gyro}, {"acc": acc}) == {"gyro": None}
    assert catalogue_changes({"acc": acc}, {"acc": acc}) == {}
