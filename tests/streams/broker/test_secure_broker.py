"""A broker with TLS, passwords and rights: whom it lets in, and what is said of whom it does not."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from deploy.machine.check import check_settings
from deploy.settings.config import ConfigError, Settings
from streams.broker.connection import client_config, diagnose, producer_config
from streams.registry_settings import RegistrySettings
from streams.settings import RuntimeSettings
from streams.testing import SyntheticWorld
from tests.support.brokers import kafka_home
from tests.support.diagnosing import failed
from tests.support.secure_kafka import SecureKafka


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    broker = SecureKafka(kafka_home(), tmp_path_factory.mktemp("secure"))
    broker.start()
    yield broker
    broker.stop()


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_all_clients_reach_a_broker_with_tls_and_password(secure: SecureKafka, mechanism: str) -> None:
    settings = secure.client(sasl_mechanism=mechanism)
    assert all(step.ok for step in diagnose(settings, "mmbind.trainer"))
    with closing(KafkaProducer(**producer_config(settings))) as producer:
        producer.send("mmbind.models", value=mechanism.encode()).get(timeout=20)
    with closing(KafkaAdminClient(**client_config(settings))) as admin:
        assert "mmbind.models" in admin.list_topics()
    with closing(KafkaConsumer(**client_config(settings), consumer_timeout_ms=20_000)) as consumer:
        consumer.assign([TopicPartition("mmbind.models", 0)])
        consumer.seek_to_beginning()
        assert mechanism.encode() in (record.value for record in consumer)


@pytest.mark.parametrize(
    ("changes", "step", "words"),
    [
        (
            {"sasl_plain_password": "wrong"},
            "password",
            "refuses user 'admin' with SCRAM-SHA-512: check broker.sasl_plain_username",
        ),
        (
            {"sasl_plain_password": "wrong", "sasl_mechanism": "PLAIN"},
            "password",
            "refuses user 'admin' with PLAIN: check broker.sasl_plain_username",
        ),
        ({"sasl_mechanism": "SCRAM-SHA-256"}, "password", "does not know SCRAM-SHA-256"),
        ({"ssl_cafile": None}, "tls", "is not trusted (self-signed certificate): set broker.ssl_cafile"),
        ({"security_protocol": "PLAINTEXT"}, "protocol", "it speaks TLS"),
        ({"security_protocol": "SSL"}, "metadata", "it may want a password"),
    ],
)
def test_says_which_step_of_a_secure_connection_failed(
    secure: SecureKafka, changes: dict[str, object], step: str, words: str
) -> None:
    name, message = failed(secure.client("admin", **changes))
    assert name == step
    assert words in message


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sasl_plain_password": "wrong"}, "refuses user 'admin'"),
        ({"ssl_cafile": None}, "its certificate is not trusted"),
    ],
)
def test_settings_by_which_the_broker_refuses_us_are_not_good(
    secure: SecureKafka, tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    world = SyntheticWorld(2).settings()
    settings = Settings(
        modalities=world.modalities,
        shared_modality=world.shared_modality,
        broker=secure.client("admin", **changes),
        registry=RegistrySettings(root=str(tmp_path / "models")),
        runtime=RuntimeSettings(data_dir=str(tmp_path / "data")),
    )
    with pytest.raises(ConfigError, match=told):
        check_settings(settings)


def test_says_that_the_certificate_is_for_another_name(secure: SecureKafka) -> None:
    # Resolves to 127.0.0.1 wherever "localhost" does, and is none of the certificate's names.
    name, message = failed(secure.client(bootstrap_servers=f"127.1:{secure.port}"))
    assert name == "tls"
    assert "its certificate is not for '127.1'" in message
    assert all(
        one.ok for one in diagnose(secure.client(bootstrap_servers=f"127.1:{secure.port}", ssl_check_hostname=False))
    )


def test_says_which_rights_are_missing(secure: SecureKafka) -> None:
    name, message = failed(secure.client("nobody"), "mmbind.trainer")
    assert name == "rights"
    assert "does not let user 'nobody' use group 'mmbind.trainer' (GroupAuthorizationFailedError)" in message
