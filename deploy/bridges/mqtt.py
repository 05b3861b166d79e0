"""The bridge from an MQTT broker to Kafka, with its metrics and health."""

import logging
import threading
import time
from collections.abc import Mapping

import numpy as np
from prometheus_client import CollectorRegistry

from deploy.bridges.intake import BridgeIntake
from deploy.bridges.metrics import BridgeFigures, BridgeMetrics
from deploy.bridges.subscription import Subscription
from deploy.bridges.topic_pattern import TopicPattern
from deploy.settings.config import ConfigError, Settings
from deploy.topics.send import producer_of
from streams.messages.signature import read_keys
from streams.producer import WindowProducer
from streams.service.broker_watch import BrokerWatch
from streams.service.health import HealthServer
from streams.service.lifecycle import wait_for_broker

log = logging.getLogger(__name__)

TOLD_EVERY_S = 60.0
NS_PER_S = 1_000_000_000


class MqttBridge:
    """Reads from the MQTT broker of `settings.mqtt` and sends windows to Kafka.

    Raises:
        CommandError: If paho-mqtt is not installed.
        ConfigError: If `settings.mqtt` names no broker, no topics, or a certificate that cannot be used.
        KeysError: If the file of signing keys cannot be used.
        PortTaken: If the health server's port is in use.
        WrongInput: If a topic is none.
    """

    def __init__(self, settings: Settings) -> None:
        self.stop = threading.Event()
        self._settings = settings
        patterns = [TopicPattern(one) for one in settings.mqtt.topics]
        if not patterns:
            raise ConfigError("mqtt.topics is empty, wanted some, as sensors/{node}/{modality}; or --topic")
        keys_file = settings.ingest.keys_file
        self._keys = read_keys(keys_file) if keys_file else None
        self._producer: WindowProducer | None = None
        self._last_message_ns = 0
        self._refusal = ""
        self._waits_for = "the broker was not reached yet"
        self.intake = BridgeIntake(settings.specs, settings.ingest.hop_s, self._send)
        self._subscription = Subscription(settings.mqtt, patterns, self._take, self._give_up)
        self._watch = BrokerWatch(settings.broker)
        registry = CollectorRegistry()
        BridgeMetrics(registry, settings.specs, self._figures)
        self.server = HealthServer(
            registry,
            host=settings.runtime.metrics_host,
            port=settings.runtime.bridge_port,
            setting="runtime.bridge_port",
            ready=self.complaints,
        )

    def complaints(self) -> list[str]:
        """Why nothing reaches Kafka at present."""
        kafka = [self._waits_for] if self._waits_for else self._watch.complaints()
        return kafka + self._subscription.complaints()

    def run(self) -> None:
        """Bridges until `stop` is set.

        Raises:
            ConfigError: If the MQTT broker refuses password or certificate; names the setting.
        """
        with self.server:
            log.info("bridge started; metrics and health on http://%s:%d", self._host, self.server.port)
            if wait_for_broker(self._settings.broker, self.stop, self._on_wait):
                self._bridge()
        log.info("bridge stopped")
        if self._refusal:
            raise ConfigError(self._refusal)

    def _bridge(self) -> None:
        self._waits_for = ""
        self._watch.start()
        try:
            with producer_of(self._settings, signing_keys=self._keys) as self._producer:
                self._subscription.start()
                try:
                    while not self.stop.wait(TOLD_EVERY_S):
                        self._tell()
                finally:
                    self._subscription.stop()
                    self.intake.flush()
        finally:
            self._watch.stop()
        self._tell()

    @property
    def _host(self) -> str:
        return self._settings.runtime.metrics_host

    def _on_wait(self, reason: str) -> None:
        self._waits_for = reason

    def _give_up(self, refusal: str) -> None:
        self._refusal = refusal
        self.stop.set()

    def _send(self, node: str, modality: str, start_ns: int, values: np.ndarray) -> None:
        assert self._producer is not None
        self._producer.send(node, modality, start_ns, values)

    def _take(self, topic: str, named: Mapping[str, str], payload: bytes) -> None:
        self._last_message_ns = time.time_ns()
        self.intake.take(topic, named, payload, self._last_message_ns)

    def _figures(self) -> BridgeFigures:
        return BridgeFigures(
            self.intake.n_messages,
            self.intake.n_samples,
            # Copied at once: the other thread adds names.
            dict(self.intake.windows),
            dict(self.intake.refused),
            self._producer.n_failed if self._producer else 0,
            self._last_message_ns / NS_PER_S,
            self._subscription.n_connections,
            self._subscription.is_connected,
            self._watch.usable,
        )

    def _tell(self) -> None:
        intake = self.intake
        refused = ", ".join(f"{n} {reason}" for reason, n in sorted(intake.refused.items())) or "none"
        log.info("%d samples, %d windows sent; refused: %s", intake.n_samples, intake.windows.total(), refused)
