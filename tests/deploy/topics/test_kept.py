import pytest
from kafka import KafkaProducer

from deploy.machine.brokers import Broker
from deploy.topics.admin import admin_client
from deploy.topics.kept import changed_shapes
from streams.broker.topics import create_topics
from streams.messages.codec import encode
from streams.messages.topic_names import TopicNames
from streams.settings import StreamSettings
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(2, n_complete=2)


def settings(broker: Broker, prefix: str, n_steps: int | None = None) -> StreamSettings:
    """With another length of one modality, where it is given."""
    own = WORLD.settings(broker={"bootstrap_servers": broker.bootstrap_servers}, topics={"prefix": prefix})
    if n_steps is None:
        return own
    changed = own.modalities["gravity"].model_copy(update={"n_steps": n_steps})
    return own.model_copy(update={"modalities": own.modalities | {"gravity": changed}})


def send_samples(broker: Broker, prefix: str, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, enable_idempotence=False)
    for value in values:
        producer.send(TopicNames(prefix).samples, value=value, partition=0)
    producer.close()


def test_a_modality_that_changed_over_kept_samples_is_named(broker: Broker, prefix: str) -> None:
    kept = settings(broker, prefix)
    assert changed_shapes(kept) == []  # no topic yet
    with admin_client(kept.broker) as admin:
        create_topics(admin, kept)
    assert changed_shapes(kept) == []
    send_samples(broker, prefix, *map(encode, WORLD.samples(4)), b"nonsense")
    assert changed_shapes(kept) == []
    n_steps = kept.modalities["gravity"].n_steps
    (found,) = changed_shapes(settings(broker, prefix, n_steps + 8))
    assert found.startswith(f"modalities.gravity is [{n_steps + 8}, 3] at ")
    assert f"but topic {prefix}samples has [{n_steps}, 3]: set it back, or use another topics.prefix" in found


@pytest.mark.parametrize("n_strangers", [1, 3])
def test_samples_that_a_stranger_wrote_do_not_speak_for_all(
    embedded_broker: Broker, prefix: str, n_strangers: int
) -> None:
    kept = settings(embedded_broker, prefix, WORLD.specs["gravity"].n_steps + 8)
    with admin_client(kept.broker) as admin:
        create_topics(admin, kept)
    own = SyntheticWorld(2, n_complete=2, specs=tuple(kept.specs.values()))
    strange = [encode(sample) for sample in WORLD.samples(4)][:n_strangers]
    send_samples(embedded_broker, prefix, *map(encode, own.samples(2)), *strange)
    assert changed_shapes(kept) == []
