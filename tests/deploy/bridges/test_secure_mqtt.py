"""An MQTT broker that wants TLS and a password, and what is said where one of them is wrong."""

import logging
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.bridges.subscription import Subscription
from deploy.bridges.topic_pattern import TopicPattern
from deploy.cli.main import app
from deploy.machine.brokers import EmbeddedBroker, free_port
from deploy.settings.config import ConfigError
from deploy.settings.mqtt import MqttSettings
from tests.support.mosquitto import PASSWORD, USER, Mosquitto, SecureMosquitto
from tests.support.waiting import wait_until

pytest.importorskip("paho", reason="paho-mqtt is not installed: no MQTT here")
# paho leaves a socket whose handshake failed to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:.*ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")


@contextmanager
def started(broker: Mosquitto) -> Iterator[Mosquitto]:
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def settings(broker: Mosquitto, folder: Path, **changes: Any) -> MqttSettings:
    """Those that work, but for the changes."""
    right = {
        "address": f"127.0.0.1:{broker.port}",
        "tls": True,
        "ssl_cafile": str(folder / "ca.pem"),
        "username": USER,
        "password": PASSWORD,
    }
    return MqttSettings.model_validate(right | changes)


@contextmanager
def reading(mqtt: MqttSettings, came: list[bytes], refused: list[str]) -> Iterator[Subscription]:
    taken: Callable[..., None] = lambda _topic, _named, payload: came.append(payload)  # noqa: E731
    subscription = Subscription(mqtt, [TopicPattern("a/{node}")], taken, refused.append)
    subscription.start()
    try:
        yield subscription
    finally:
        subscription.stop()


def publish(broker: Mosquitto, folder: Path, payload: bytes, **tls: Any) -> None:
    from paho.mqtt import publish

    certificates: Any = {"ca_certs": str(folder / "ca.pem"), **tls}
    publish.single(
        "a/node-1",
        payload,
        qos=1,
        hostname="127.0.0.1",
        port=broker.port,
        auth={"username": USER, "password": PASSWORD},
        tls=certificates,
    )


@pytest.mark.parametrize("with_certificate", [False, True])
def test_messages_come_encrypted_by_a_password_and_a_certificate(tmp_path: Path, with_certificate: bool) -> None:
    ours = {"certfile": str(tmp_path / "client.pem"), "keyfile": str(tmp_path / "client.key")}
    ours = ours if with_certificate else {}
    came, refused = list[bytes](), list[str]()
    with started(SecureMosquitto(tmp_path, with_certificate)) as broker:
        mqtt = settings(broker, tmp_path, **{f"ssl_{name}": file for name, file in ours.items()})
        with reading(mqtt, came, refused) as subscription:
            wait_until(lambda: not subscription.complaints(), 60, told=lambda: str(subscription.complaints()))
            publish(broker, tmp_path, b"encrypted", **ours)
            wait_until(lambda: came == [b"encrypted"], 60, told=broker.said)
    assert not refused


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"password": "wrong"}, "mqtt.username is 'bridge' and mqtt.password is set: 127.0.0.1:{port} refuses them: "),
        ({"password": None}, "mqtt.username is 'bridge' and mqtt.password is not set: 127.0.0.1:{port} refuses them: "),
        ({"username": None}, "mqtt.username is not set, wanted one that 127.0.0.1:{port} lets in: Not authorized"),
        ({"ssl_cafile": "{folder}/other.pem"}, "mqtt.ssl_cafile is '{folder}/other.pem', wanted the authority of 127."),
    ],
)
def test_what_trying_again_cannot_mend_ends_it_with_the_setting(
    tmp_path: Path, changes: dict[str, str | None], told: str
) -> None:
    refused = list[str]()
    with started(SecureMosquitto(tmp_path)) as broker:
        changed = {name: value and value.format(folder=tmp_path) for name, value in changes.items()}
        with reading(settings(broker, tmp_path, **changed), [], refused) as subscription:
            wait_until(lambda: bool(refused), 60, told=broker.said)
            assert subscription.complaints() == refused[:1]
    assert refused[0].startswith(told.format(folder=tmp_path, port=broker.port))
    assert "\n" not in refused[0]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"address": "127.0.0.1:{free}"}, "mqtt.address is '127.0.0.1:{free}': nothing listens there"),
        ({"address": "no-such-host.invalid"}, "mqtt.address is 'no-such-host.invalid': there is no such host"),
        ({"tls": False, "ssl_cafile": None}, "without an answer: does it want mqtt.tls = true?"),
        ({}, "without an answer: does it want mqtt.ssl_certfile, a certificate of ours?"),
    ],
)
def test_what_may_be_mended_is_waited_for_and_said_once(
    tmp_path: Path, changes: dict[str, Any], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    free = free_port()
    changes = {name: v.format(free=free) if isinstance(v, str) else v for name, v in changes.items()}
    refused = list[str]()

    def failed() -> bool:
        return told.format(free=free) in "".join(subscription.complaints())

    with (
        started(SecureMosquitto(tmp_path, wants_certificate=True)) as broker,
        reading(settings(broker, tmp_path, **changes), [], refused) as subscription,
    ):
        wait_until(failed, 60, told=lambda: f"{subscription.complaints()} {broker.said()}")
    assert [one.getMessage() for one in caplog.records] == [f"{subscription.complaints()[0]}; trying again"]
    assert not refused


def test_what_stays_the_same_is_not_said_at_every_try(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        with reading(MqttSettings(address=f"127.0.0.1:{server.getsockname()[1]}"), [], []):
            for _ in range(3):
                server.accept()[0].close()
            assert len(caplog.records) == 1


def test_tls_to_a_broker_without_it_names_the_setting(tmp_path: Path) -> None:
    with started(Mosquitto(tmp_path)) as broker:
        mqtt = MqttSettings(address=f"127.0.0.1:{broker.port}", tls=True)
        with reading(mqtt, [], []) as subscription:
            told = f"mqtt.tls is true, but {mqtt.address} "
            wait_until(lambda: told in str(subscription.complaints()), 60, told=lambda: str(subscription.complaints()))


def test_after_it_was_let_in_a_refusal_is_waited_out(tmp_path: Path) -> None:
    refused = list[str]()
    broker = SecureMosquitto(tmp_path)
    with started(broker), reading(settings(broker, tmp_path), [], refused) as subscription:
        wait_until(lambda: subscription.is_connected, 60)
        passwords = tmp_path / "passwords"
        right = passwords.read_text()
        passwords.write_text(right.replace(USER, "somebody"))
        broker.stop()
        broker.start()
        wait_until(lambda: "refuses them" in str(subscription.complaints()), 60)
        passwords.write_text(right)
        broker.stop()
        broker.start()
        wait_until(lambda: subscription.n_connections == 2, 60, told=lambda: str(subscription.complaints()))
    assert not refused


def test_a_certificate_that_is_no_file_names_the_setting(tmp_path: Path) -> None:
    mqtt = MqttSettings(address="broker", tls=True, ssl_cafile=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigError, match=r"mqtt.ssl_cafile is '.*none.pem', wanted a PEM file of authorities"):
        Subscription(mqtt, [], lambda *_: None, lambda _: None)


def test_the_command_ends_with_one_line(
    tmp_path: Path, embedded_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = list(logging.root.handlers)
    for name, value in {
        "BROKER__BOOTSTRAP_SERVERS": embedded_broker.bootstrap_servers,
        "MODALITIES": '{"acc": {"n_channels": 3, "n_steps": 10, "rate_hz": 10}}',
        "SHARED_MODALITY": "acc",
        "RUNTIME__BRIDGE_PORT": "0",
        "MQTT__TLS": "true",
        "MQTT__SSL_CAFILE": str(tmp_path / "ca.pem"),
        "MQTT__USERNAME": USER,
        "MQTT__PASSWORD": "wrong-secret",
    }.items():
        monkeypatch.setenv(f"MMBIND_{name}", value)
    monkeypatch.chdir(tmp_path)
    with started(SecureMosquitto(tmp_path)) as broker:
        done = CliRunner().invoke(app, ["bridge", "mqtt", f"127.0.0.1:{broker.port}", "--topic", "a/{node}"])
    logging.root.handlers = handlers
    assert isinstance(done.exception, ConfigError) or done.exit_code == 2
    told = str(done.exception) if isinstance(done.exception, ConfigError) else done.output
    assert re.search(rf"mqtt.username is 'bridge' and mqtt.password is set: 127.0.0.1:{broker.port} refuses", told)
    assert "wrong-secret" not in done.output + told
