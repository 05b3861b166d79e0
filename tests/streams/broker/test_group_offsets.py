"""What a group has read, and what was deleted before it could."""

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import KafkaAdminClient

from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import Broker
from streams.broker.group_offsets import GroupOffset, group_offsets
from streams.settings import BrokerSettings


def written(broker: Broker, topic: str, n_messages: int) -> BrokerSettings:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    admin.create_topics({topic: {"num_partitions": 2, "replication_factor": 1}})
    admin.close()
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers)
    for _ in range(n_messages):
        producer.send(topic, b"x", partition=0)
    producer.close()
    return BrokerSettings(bootstrap_servers=broker.bootstrap_servers)


def commit(broker: Broker, group_id: str, topic: str, offset: int) -> None:
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap_servers, group_id=group_id, enable_auto_commit=False)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.commit({TopicPartition(topic, 0): OffsetAndMetadata(offset, "", -1)})
    consumer.close()


def test_a_group_starts_where_it_committed_or_at_the_first_message(broker: Broker, prefix: str) -> None:
    topic, group = f"{prefix}t", f"{prefix}group"
    settings = written(broker, topic, 5)
    assert group_offsets(settings, group, []) == {}
    assert [one.start for one in group_offsets(settings, group, [(topic, 0), (topic, 1)]).values()] == [0, 0]
    commit(broker, group, topic, 3)
    found = group_offsets(settings, group, [(topic, 0), (topic, 1)])
    assert found == {(topic, 0): GroupOffset(0, 3), (topic, 1): GroupOffset(0, None)}
    assert (found[topic, 0].start, found[topic, 0].n_lost) == (3, 0)
    assert group_offsets(settings, group, [(topic, 0)], [(topic, 1), (topic, 7), (f"{topic}-gone", 0)]) == found


def test_tells_how_much_was_deleted_before_a_group_read_it(kafka_broker: KafkaBroker, prefix: str) -> None:
    topic, group = f"{prefix}t", f"{prefix}group"
    settings = written(kafka_broker, topic, 10)
    commit(kafka_broker, group, topic, 2)
    admin = KafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap_servers)
    admin.delete_records({TopicPartition(topic, 0): 6})
    admin.close()
    one = group_offsets(settings, group, [(topic, 0)])[topic, 0]
    assert (one.start, one.n_lost) == (6, 4)
