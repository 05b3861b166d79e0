"""The bridge from an MQTT broker: subscribes, comes back after every break, and hands each message on."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.bridges.intake import BridgeIntake
from deploy.bridges.topic_pattern import TopicPattern
from deploy.errors import CommandError, WrongInput
from deploy.settings.config import Settings
from deploy.topics.send import producer_of
from streams.messages.signature import read_keys

log = logging.getLogger(__name__)

PORT, TLS_PORT = 1883, 8883
FIRST_WAIT_S, LONGEST_WAIT_S = 1, 30
TOLD_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class MqttBroker:
    """Where an MQTT broker is, and as whom one speaks to it; with `tls` its certificate is checked."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False
    ca_file: str | None = None


def address(text: str, tls: bool = False) -> tuple[str, int]:
    """Host and port of `HOST[:PORT]`.

    Raises:
        WrongInput: If it is no such.
    """
    host, colon, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "")
    if not host or (colon and not (port.isdigit() and 0 < int(port) < 65536)):
        raise WrongInput(f"{text!r}: wanted HOST or HOST:PORT")
    return host, int(port) if colon else (TLS_PORT if tls else PORT)


def run_bridge(
    settings: Settings, broker: MqttBroker, patterns: Sequence[TopicPattern], stop: threading.Event
) -> BridgeIntake:
    """Bridges until `stop` is set; what came of it.

    Raises:
        BrokerUnreachable: If Kafka cannot be used.
        CommandError: If paho-mqtt is not installed.
    """
    keys = read_keys(settings.ingest.keys_file) if settings.ingest.keys_file else None
    with producer_of(settings, signing_keys=keys) as producer:
        intake = BridgeIntake(settings.specs, settings.ingest.hop_s, producer.send)
        client = _client(broker, patterns, intake)
        client.connect_async(broker.host, broker.port)
        client.loop_start()
        try:
            while not stop.wait(TOLD_EVERY_S):
                _tell(intake)
        finally:
            client.disconnect()
            client.loop_stop()
            intake.flush()
    _tell(intake)
    return intake


def _tell(intake: BridgeIntake) -> None:
    refused = ", ".join(f"{n} {reason}" for reason, n in sorted(intake.refused.items())) or "none"
    log.info("%d samples, %d windows sent; refused: %s", intake.n_samples, intake.n_windows, refused)


def _client(broker: MqttBroker, patterns: Sequence[TopicPattern], intake: BridgeIntake) -> Any:
    try:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError as error:
        raise CommandError("paho-mqtt is not installed, wanted pip install 'mmbind-stream[mqtt]'") from error
    client = Client(CallbackAPIVersion.VERSION2)
    if broker.username is not None:
        client.username_pw_set(broker.username, broker.password)
    if broker.tls:
        client.tls_set(ca_certs=broker.ca_file)
    client.reconnect_delay_set(FIRST_WAIT_S, LONGEST_WAIT_S)
    where = f"{broker.host}:{broker.port}"

    def on_connect(client: Any, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.warning("%s does not let us in: %s", where, reason)
        else:
            client.subscribe([(one.filter, 1) for one in patterns])

    def on_subscribe(_client: Any, _userdata: Any, _mid: Any, reasons: Any, _properties: Any) -> None:
        for one, reason in zip(patterns, reasons, strict=False):
            if reason.is_failure:
                log.error("%s does not let us read %s: %s", where, one.filter, reason)
            else:
                log.info("subscribed to %s at %s", one.filter, where)

    def on_disconnect(_client: Any, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.warning("%s is away: %s; trying again", where, reason)

    def on_connect_fail(_client: Any, _userdata: Any) -> None:
        log.warning("%s cannot be reached; trying again", where)

    client.on_connect, client.on_disconnect, client.on_subscribe = on_connect, on_disconnect, on_subscribe
    client.on_connect_fail = on_connect_fail
    client.on_message = _on_message(patterns, intake, time.time_ns)
    return client


def _on_message(
    patterns: Sequence[TopicPattern], intake: BridgeIntake, now_ns: Callable[[], int]
) -> Callable[[Any, Any, Any], None]:
    def on_message(_client: Any, _userdata: Any, message: Any) -> None:
        named = next((found for one in patterns if (found := one.match(message.topic)) is not None), {})
        intake.take(message.topic, named, message.payload, now_ns())

    return on_message
