"""A broker that cannot be used is told from every other by the step that failed."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import Broker, free_port
from streams.broker.connection import (
    diagnose,
)
from streams.settings import BrokerSettings
from tests.support.diagnosing import failed, plain


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
        f"broker.bootstrap_servers has {address!r}, wanted HOST:PORT, such as 127.0.0.1:9092; commas between several",
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
