"""A subscription at an MQTT broker, which comes back after every break."""

import logging
import ssl
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from deploy.bridges.refusal import LOGIN_CODES, of_connection, of_login, of_silence
from deploy.bridges.topic_pattern import TopicPattern
from deploy.errors import CommandError
from deploy.settings.config import ConfigError
from deploy.settings.mqtt import MqttSettings
from streams.broker.certificates import tls_context

log = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 1, 30

OnMessage: TypeAlias = Callable[[str, Mapping[str, str], bytes], None]


class Subscription:
    """Hands on each message of its topics, in a thread of its own, from `start` to `stop`.

    Args:
        mqtt: Where the broker is, and as whom one speaks to it.
        patterns: What is read.
        on_message: Is given the topic, the node and the modality that it names, and the payload.
        on_refused: Is given a sentence where password or certificate is refused and no connection was ever made: trying
            again would not help. Later ones are waited out, since a broker may be set up anew.

    Raises:
        CommandError: If paho-mqtt is not installed.
        ConfigError: If there is no address, or a certificate file cannot be used; names the setting.
    """

    def __init__(
        self,
        mqtt: MqttSettings,
        patterns: Sequence[TopicPattern],
        on_message: OnMessage,
        on_refused: Callable[[str], None],
    ) -> None:
        address = mqtt.host_and_port
        if address is None:
            raise ConfigError("mqtt.address is not set, wanted HOST or HOST:PORT, here or on the command line")
        self._mqtt, self._patterns, self._address = mqtt, patterns, address
        self._on_message, self._on_refused = on_message, on_refused
        self.n_connections = 0
        self.is_connected = False
        self._complaint = "the MQTT broker was not reached yet"
        self._denied: list[str] = []
        self._was_refused = False
        self._client = self._made()

    def complaints(self) -> list[str]:
        """Why nothing is read at present."""
        return [self._complaint] if self._complaint else list(self._denied)

    def start(self) -> None:
        """Reads from now on, waiting for the broker where it is away."""
        self._client.connect_async(*self._address)
        self._client.loop_start()

    def stop(self) -> None:
        """Reads no more."""
        self._client.disconnect()
        self._client.loop_stop()
        self.is_connected = False

    def _made(self) -> Any:
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            raise CommandError("paho-mqtt is not installed, wanted pip install 'mmbind-stream[mqtt]'") from error
        client = Client(CallbackAPIVersion.VERSION2)
        if self._mqtt.username is not None:
            password = self._mqtt.password
            client.username_pw_set(self._mqtt.username, password.get_secret_value() if password else None)
        if self._mqtt.tls:
            try:
                client.tls_set_context(tls_context(self._mqtt, "mqtt"))
            except ValueError as error:
                raise ConfigError(str(error)) from error
        client.reconnect_delay_set(FIRST_WAIT_S, LONGEST_WAIT_S)
        client.connect_callback()(self._connected)
        client.connect_fail_callback()(self._failed)
        client.subscribe_callback()(self._subscribed)
        client.message_callback()(self._came)
        client.disconnect_callback()(self._disconnected)
        return client

    def _connected(self, client: Any, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._was_refused = True
            self._complain(of_login(self._mqtt, reason.value, str(reason)), reason.value in LOGIN_CODES)
            return
        self.n_connections += 1
        self.is_connected, self._complaint, self._denied = True, "the MQTT broker has not subscribed us yet", []
        client.subscribe([(one.filter, 1) for one in self._patterns])

    def _subscribed(self, _client: Any, _userdata: Any, _mid: Any, reasons: Any, _properties: Any) -> None:
        self._complaint = ""
        for one, reason in zip(self._patterns, reasons, strict=False):
            if reason.is_failure:
                self._denied.append(f"mqtt.topics has {one.text!r}: the broker does not let us read it: {reason}")
                log.error("%s", self._denied[-1])
            else:
                log.info("subscribed to %s at %s", one.filter, self._mqtt.address)

    def _disconnected(self, _client: Any, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        was_connected, self.is_connected = self.is_connected, False
        was_refused, self._was_refused = self._was_refused, False
        if was_connected and reason.is_failure:
            self._complain(f"mqtt.address is {self._mqtt.address!r}: the broker is away: {reason}")
        elif reason.is_failure and not was_refused:
            self._complain(of_silence(self._mqtt))

    def _failed(self, _client: Any, _userdata: Any) -> None:
        # paho says it while it handles the exception, and does not say which one.
        error = sys.exception()
        self._complain(of_connection(self._mqtt, error), isinstance(error, ssl.SSLCertVerificationError))

    def _complain(self, sentence: str, is_final: bool = False) -> None:
        if sentence != self._complaint:
            log.warning("%s; trying again", sentence)
        self._complaint = sentence
        if is_final and not self.n_connections:
            self._on_refused(sentence)

    def _came(self, _client: Any, _userdata: Any, message: Any) -> None:
        named = next((found for one in self._patterns if (found := one.match(message.topic)) is not None), {})
        self._on_message(message.topic, named, message.payload)
