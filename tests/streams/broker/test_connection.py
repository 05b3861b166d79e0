import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from pydantic import SecretStr

from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import Broker, EmbeddedBroker, free_port
from streams.broker.connection import (
    BrokerUnreachable,
    RepeatFilter,
    calm_client_logs,
    client_config,
    connect_or_explain,
    diagnose,
    producer_config,
    ssl_context,
)
from streams.service.lifecycle import wait_for_broker
from streams.settings import BrokerSettings
from tests.support.brokers import kafka_home
from tests.support.secure_kafka import SecureKafka


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    broker = SecureKafka(kafka_home(), tmp_path_factory.mktemp("secure"))
    broker.start()
    yield broker
    broker.stop()


@contextmanager
def server(answer: bytes | None) -> Iterator[int]:
    """A port that answers whatever it is told; hangs up at once where there is no answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with listening.accept()[0] as peer:
                if answer is not None:
                    peer.recv(4096)
                    peer.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def failed(settings: BrokerSettings, topics: tuple[str, ...] = (), group_id: str | None = None) -> tuple[str, str]:
    """Name and message of the step that failed."""
    steps = diagnose(settings, topics, group_id)
    assert [step.ok for step in steps[:-1]] == [True] * (len(steps) - 1)
    assert not steps[-1].ok
    return steps[-1].name, steps[-1].message


def plain(port: int, **more: object) -> BrokerSettings:
    return BrokerSettings.model_validate({"bootstrap_servers": f"127.0.0.1:{port}", **more})


def test_passes_on_what_every_client_needs_and_hides_the_password_until_then() -> None:
    settings = BrokerSettings(
        bootstrap_servers="a:1, b:2",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username="me",
        sasl_plain_password=SecretStr("secret"),
        compression="lz4",
    )
    assert client_config(settings) == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "SASL_PLAINTEXT",
        "reconnect_backoff_max_ms": 2000,
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "me",
        "sasl_plain_password": "secret",
    }
    assert producer_config(settings)["compression_type"] == "lz4"


def test_plain_connections_have_no_tls() -> None:
    assert ssl_context(BrokerSettings()) is None
    assert "ssl_context" not in client_config(BrokerSettings())


def test_tls_verifies_the_certificate_and_its_name() -> None:
    context = ssl_context(BrokerSettings(security_protocol="SSL"))
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("setting", ["ssl_cafile", "ssl_certfile"])
def test_names_the_setting_of_a_certificate_that_cannot_be_read(setting: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for path in (str(broken), str(tmp_path / "missing.pem")):
        settings = BrokerSettings.model_validate({"security_protocol": "SSL", setting: path})
        with pytest.raises(ValueError, match=f"broker.{setting} is '{path}'"):
            ssl_context(settings)
        assert failed(settings)[0] == "settings"


def test_says_that_a_name_cannot_be_resolved() -> None:
    name, message = failed(BrokerSettings(bootstrap_servers="no-such-host.invalid:9092"))
    assert name == "name"
    assert "'no-such-host.invalid' cannot be resolved" in message


def test_says_that_nothing_listens() -> None:
    port = free_port()
    name, message = failed(plain(port))
    assert name == "port"
    assert f"127.0.0.1:{port} (nothing listens there)" in message


@pytest.mark.parametrize("address", ["127.0.0.1:abc", "127.0.0.1:", ":"])
def test_says_that_an_address_is_none(address: str) -> None:
    assert failed(BrokerSettings(bootstrap_servers=address)) == (
        "settings",
        f"broker.bootstrap_servers has {address!r}: wanted HOST:PORT",
    )


@pytest.mark.parametrize("answer", [None, b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x00\x00\x04abcd"])
def test_says_that_the_other_side_is_no_broker(answer: bytes | None) -> None:
    with server(answer) as port:
        name, message = failed(plain(port))
    assert name == "protocol"
    assert "does not answer as a Kafka broker" in message


def test_says_that_the_port_speaks_tls() -> None:
    with server(b"\x15\x03\x03\x00\x02\x02\x46") as port:
        name, message = failed(plain(port))
    assert name == "protocol"
    assert message.endswith("(it speaks TLS): set broker.security_protocol to SSL or SASL_SSL")


def test_says_which_sasl_settings_are_missing() -> None:
    name, message = failed(BrokerSettings(security_protocol="SASL_SSL", sasl_mechanism="PLAIN"))
    assert name == "settings"
    assert message.endswith("set broker.sasl_plain_username, broker.sasl_plain_password too")


def test_one_usable_server_of_several_is_enough(broker: Broker) -> None:
    steps = diagnose(BrokerSettings(bootstrap_servers=f"127.0.0.1:{free_port()},{broker.bootstrap_servers}"))
    assert [step.name for step in steps] == ["name", "port", "protocol", "metadata", "advertised"]
    assert all(step.ok for step in steps)


def test_says_that_a_topic_is_missing(broker: Broker) -> None:
    name, message = failed(BrokerSettings(bootstrap_servers=broker.bootstrap_servers), ("no.such.topic",))
    assert name == "rights"
    assert "topic 'no.such.topic': UnknownTopicOrPartitionError" in message


def test_says_that_a_broker_speaks_no_tls(broker: Broker) -> None:
    name, message = failed(BrokerSettings(bootstrap_servers=broker.bootstrap_servers, security_protocol="SSL"))
    assert name == "tls"
    assert message.endswith("set broker.security_protocol to PLAINTEXT")


def test_says_that_a_broker_wants_no_password(kafka_broker: KafkaBroker) -> None:
    settings = plain(
        kafka_broker.port,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username="me",
        sasl_plain_password="x",
    )
    assert failed(settings)[1].endswith("wants no password: set broker.security_protocol to PLAINTEXT")


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_all_clients_reach_a_broker_with_tls_and_password(secure: SecureKafka, mechanism: str) -> None:
    settings = secure.client(sasl_mechanism=mechanism)
    assert all(step.ok for step in diagnose(settings, ["mmbind.models"], "mmbind.trainer"))
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
        ({"sasl_plain_password": "wrong"}, "password", "refuses user 'admin' with SCRAM-SHA-512"),
        ({"sasl_plain_password": "wrong", "sasl_mechanism": "PLAIN"}, "password", "refuses user 'admin' with PLAIN"),
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


def test_says_that_the_certificate_is_for_another_name(secure: SecureKafka) -> None:
    # Resolves to 127.0.0.1 wherever "localhost" does, and is none of the certificate's names.
    name, message = failed(secure.client(bootstrap_servers=f"127.1:{secure.port}"))
    assert name == "tls"
    assert "its certificate is not for '127.1'" in message
    assert all(
        one.ok for one in diagnose(secure.client(bootstrap_servers=f"127.1:{secure.port}", ssl_check_hostname=False))
    )


def test_says_which_rights_are_missing(secure: SecureKafka) -> None:
    name, message = failed(secure.client("nobody"), ("mmbind.models",), "mmbind.trainer")
    assert name == "rights"
    assert "topic 'mmbind.models': TopicAuthorizationFailedError" in message
    assert "group 'mmbind.trainer': GroupAuthorizationFailedError" in message


def test_makes_the_client_when_the_broker_is_there(broker: Broker) -> None:
    settings = BrokerSettings(bootstrap_servers=broker.bootstrap_servers)
    with closing(connect_or_explain(lambda: KafkaAdminClient(**client_config(settings)), settings)) as admin:
        assert admin.list_topics() is not None


def test_explains_at_once_why_there_is_no_client() -> None:
    settings = plain(free_port())
    with pytest.raises(BrokerUnreachable, match="nothing listens there") as caught:
        connect_or_explain(lambda: pytest.fail("must not be tried"), settings)
    assert [step.name for step in caught.value.steps] == ["name", "port"]


def test_waits_until_the_broker_is_there_and_says_each_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    late = EmbeddedBroker(tmp_path / "broker.log", port=free_port())
    reasons: list[str] = []

    def on_wait(reason: str) -> None:
        reasons.append(reason)
        if len(reasons) == 2:
            late.start()

    try:
        with caplog.at_level(logging.WARNING, logger="streams.broker.connection"):
            assert wait_for_broker(plain(late.port), threading.Event(), on_wait)
    finally:
        late.stop()
    assert len(reasons) >= 2
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "waiting for the broker",
        "the broker is back",
    ]


def test_waits_no_longer_when_told_to_stop() -> None:
    stop = threading.Event()
    assert not wait_for_broker(plain(free_port()), stop, lambda reason: stop.set())


def client_record(line: int, text: str = "Unable to connect to %s") -> logging.LogRecord:
    return logging.LogRecord("aiokafka.conn", logging.ERROR, "conn.py", line, text, ("node 1",), None)


def test_a_line_that_repeats_is_heard_once_a_minute_with_the_number_of_those_silenced() -> None:
    now_s = [0.0]
    repeats = RepeatFilter(60.0, lambda: now_s[0])
    heard = [repeats.filter(client_record(1)) for _ in range(100)]
    now_s[0] = 61.0
    later = client_record(1)
    assert heard == [True] + [False] * 99
    assert repeats.filter(later)
    assert later.getMessage() == "Unable to connect to node 1 (and 99 more like it)"


def test_other_lines_and_other_loggers_are_heard() -> None:
    repeats = RepeatFilter(60.0, lambda: 0.0)
    ours = logging.LogRecord("streams.worker.run", logging.ERROR, "app.py", 1, "no", (), None)
    assert repeats.filter(client_record(1))
    assert repeats.filter(client_record(2))
    assert repeats.filter(ours)
    assert repeats.filter(ours)


def test_calming_twice_leaves_one_filter() -> None:
    handler = logging.NullHandler()
    calm_client_logs([handler])
    calm_client_logs([handler])
    assert len(handler.filters) == 1
