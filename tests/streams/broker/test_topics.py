from collections.abc import Iterator

import pytest
from kafka.admin import KafkaAdminClient

from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import Broker
from streams.broker.topics import TopicsError, check_topics, create_topics, is_embedded, wanted_topics
from streams.messages.topic_names import TopicNames
from streams.settings import ModalitySettings, StreamSettings, TopicSettings

MODALITIES = {name: ModalitySettings(n_channels=3, n_steps=20, rate_hz=20) for name in ("acc", "gyro")}


def settings(prefix: str, partitions: int = 3, modalities: dict[str, ModalitySettings] = MODALITIES) -> StreamSettings:
    topics = TopicSettings(prefix=prefix, partitions=partitions, pair_partitions=2)
    return StreamSettings(modalities=modalities, shared_modality="acc", topics=topics)


@pytest.fixture
def admin(broker: Broker) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    yield client
    client.close()


def test_names_carry_the_prefix() -> None:
    names = TopicNames("home.")

    assert names.windows("gyro") == "home.windows.gyro"
    assert {topic.name.partition(".")[0] for topic in wanted_topics(settings("home."))} == {"home"}


def test_windows_share_one_partition_count_and_samples_have_their_own() -> None:
    counts = {topic.name: topic.partitions for topic in wanted_topics(settings("p.", partitions=5))}

    assert counts["p.windows.acc"] == counts["p.windows.gyro"] == counts["p.embeddings"] == 5
    assert counts["p.models"] == counts["p.samples"] == 1


def test_a_log_of_an_older_installation_is_told_which_setting_keeps_it(admin: KafkaAdminClient, prefix: str) -> None:
    wanted = settings(prefix)
    older = wanted.model_copy(update={"topics": wanted.topics.model_copy(update={"sample_partitions": 4})})
    create_topics(admin, older)

    (sentence,) = check_topics(admin, wanted)
    assert f"{prefix}samples has 4 partitions, wanted 1" in sentence
    assert "set topics.sample_partitions = 4" in sentence
    assert check_topics(admin, older) == []


def test_rejects_take_longer_messages_than_any_other_topic() -> None:
    limits = {topic.name: int(topic.configs["max.message.bytes"]) for topic in wanted_topics(settings("p."))}

    assert limits.pop("p.rejects") > max(limits.values())


def test_creates_what_is_missing_and_finds_nothing_to_change(admin: KafkaAdminClient, prefix: str) -> None:
    wanted = settings(prefix)

    assert len(check_topics(admin, wanted)) == len(wanted_topics(wanted))
    assert set(create_topics(admin, wanted)) == {topic.name for topic in wanted_topics(wanted)}
    assert create_topics(admin, wanted) == []
    assert check_topics(admin, wanted) == []


def test_adds_the_topic_of_a_new_modality(admin: KafkaAdminClient, prefix: str) -> None:
    create_topics(admin, settings(prefix))
    more = MODALITIES | {"gravity": ModalitySettings(n_channels=3, n_steps=20, rate_hz=20)}

    assert create_topics(admin, settings(prefix, modalities=more)) == [f"{prefix}windows.gravity"]


def test_refuses_a_changed_partition_count(admin: KafkaAdminClient, prefix: str) -> None:
    create_topics(admin, settings(prefix))

    with pytest.raises(TopicsError, match=r"windows\.acc has 3 partitions, wanted 4"):
        create_topics(admin, settings(prefix, partitions=4))


def test_tells_a_wrong_cleanup_policy(kafka_broker: KafkaBroker, prefix: str) -> None:
    client = KafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap_servers)
    try:
        client.create_topics({f"{prefix}models": {"num_partitions": 1, "replication_factor": 1}})

        with pytest.raises(TopicsError, match=r"models has cleanup\.policy delete, wanted compact"):
            create_topics(client, settings(prefix))
    finally:
        client.close()


def test_knows_the_embedded_broker(admin: KafkaAdminClient, broker: Broker) -> None:
    assert is_embedded(admin) == (not broker.keeps_data)
