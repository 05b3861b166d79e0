"""An installation of its own on a broker that is there."""

from pathlib import Path

from kafka.admin import KafkaAdminClient

from deploy.machine.brokers import Broker
from streams.broker.connection import client_config
from streams.broker.topics import create_topics
from streams.settings import StreamSettings
from streams.testing import SyntheticWorld


def installed(broker: Broker, prefix: str, registry: Path) -> StreamSettings:
    """Settings whose topics are made."""
    settings = SyntheticWorld(2).settings(
        broker={"bootstrap_servers": broker.bootstrap_servers},
        topics={"prefix": prefix},
        registry={"root": str(registry)},
    )
    admin = KafkaAdminClient(**client_config(settings.broker))
    create_topics(admin, settings)
    admin.close()
    return settings
