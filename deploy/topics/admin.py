"""An admin client of the settings' broker."""

from collections.abc import Iterator
from contextlib import contextmanager

from kafka.admin import KafkaAdminClient

from streams.broker.connection import client_config, connect_or_explain
from streams.settings import BrokerSettings


@contextmanager
def admin_client(broker: BrokerSettings) -> Iterator[KafkaAdminClient]:
    """An admin client, closed afterwards.

    Raises:
        BrokerUnreachable: Saying which step of the connection failed.
    """
    admin = connect_or_explain(lambda: KafkaAdminClient(**client_config(broker)), broker)
    try:
        yield admin
    finally:
        admin.close()
