"""What a simulation hears of its fleet, on both brokers: all that came since, at each look, and nothing twice."""

from collections.abc import Sequence
from typing import Any

from kafka import KafkaProducer

from deploy.machine.brokers import Broker
from deploy.simulation.answers import Answers
from deploy.topics.installation import install_topics
from streams.messages.codec import encode_batch
from streams.messages.topic_names import TopicNames
from streams.records import Binding, Sample
from streams.settings import BrokerSettings, StreamSettings, TopicSettings
from streams.testing import SyntheticWorld


def write(settings: StreamSettings, topic: str, records: Sequence[Any], partition: int = 0) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.broker.bootstrap_servers)
    producer.send(topic, value=encode_batch(records), partition=partition).get(timeout=20)
    producer.close()


def test_each_look_hears_what_came_and_one_where_nothing_came_ends_too(broker: Broker, prefix: str) -> None:
    world = SyntheticWorld(3)
    settings = world.settings(
        broker=BrokerSettings(bootstrap_servers=broker.bootstrap_servers), topics=TopicSettings(prefix=prefix)
    )
    install_topics(settings)
    names, samples = TopicNames(prefix), list(world.samples(4))

    def bind(some: Sequence[Sample], partition: int) -> None:
        write(settings, names.samples, some)
        bindings = [Binding(sample_id=one.sample_id, round=0, model_version=0, outcome="alone") for one in some]
        write(settings, names.pairs, bindings, partition)

    bind(samples[:3], 0)
    with Answers(settings, world.sources[:2]) as answers:
        assert answers.read() == answers.read() == 0
        bind(samples[3:6], 1)
        assert answers.read() == answers.read() == 2
        bind(samples[6:], 1)
        assert answers.read() == answers.read() == 6
        assert {one.sample_id for one in answers.bindings} == set(answers.samples)
