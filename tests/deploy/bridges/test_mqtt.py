"""The bridge beside a real MQTT broker and a real Kafka protocol broker."""

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from deploy.bridges.intake import BridgeIntake
from deploy.bridges.mqtt import MqttBridge
from deploy.machine.brokers import EmbeddedBroker
from deploy.settings.config import Settings
from deploy.settings.mqtt import MqttSettings
from deploy.topics.admin import admin_client
from deploy.topics.windows import windows_of
from streams.broker.topics import create_topics
from streams.records import SensorWindow
from tests.support.mosquitto import Mosquitto
from tests.support.waiting import wait_until

T0 = 1_700_000_000
TOPICS = ("sensors/{node}/{modality}", "senml/#")


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    pytest.importorskip("paho", reason="paho-mqtt is not installed: no MQTT here")
    broker = Mosquitto(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def settings(embedded_broker: EmbeddedBroker, prefix: str) -> Settings:
    acc: Any = {"n_channels": 3, "n_steps": 10, "rate_hz": 10}
    made = Settings(
        broker={"bootstrap_servers": embedded_broker.bootstrap_servers},
        topics={"prefix": prefix},
        modalities={"acc": acc},
        shared_modality="acc",
        ingest={"hop_s": 1.0},
        runtime={"bridge_port": 0},
    )
    with admin_client(made.broker) as admin:
        create_topics(admin, made)
    return made


class Running:
    """A bridge in a thread of its own."""

    def __init__(self, settings: Settings, port: int) -> None:
        mqtt = MqttSettings(address=f"127.0.0.1:{port}", topics=TOPICS)
        self.bridge = MqttBridge(settings.model_copy(update={"mqtt": mqtt}))
        self.thread = threading.Thread(target=self.bridge.run)
        self.thread.start()

    def get(self, path: str) -> str:
        """What its health server answers, whatever the status."""
        try:
            with urlopen(f"http://127.0.0.1:{self.bridge.server.port}{path}", timeout=30) as answer:
                return str(answer.read().decode())
        except HTTPError as error:
            return f"{error.code} {error.read().decode()}"

    def end(self) -> BridgeIntake:
        self.bridge.stop.set()
        self.thread.join(60)
        assert not self.thread.is_alive()
        return self.bridge.intake


def publish(port: int, *messages: tuple[str, Any]) -> None:
    from paho.mqtt import publish

    payloads: list[Any] = [
        {"topic": topic, "payload": payload if isinstance(payload, bytes) else json.dumps(payload), "qos": 1}
        for topic, payload in messages
    ]
    publish.multiple(payloads, hostname="127.0.0.1", port=port)


def sent(settings: Settings) -> list[SensorWindow]:
    topic = f"{settings.topics.prefix}windows.acc"
    return [window for windows, _ in windows_of(settings, topic) for window in windows]


def test_samples_come_over_as_windows_and_after_the_broker_was_away(
    mosquitto: Mosquitto, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bridge = Running(settings, mosquitto.port)
    try:
        wait_until(lambda: "subscribed to senml/# at" in caplog.text, 60, told=lambda: caplog.text)
        many = [[1.0, 2.0, 3.0]] * 10
        pack = [{"bn": "node-2/", "bt": T0, "n": "acc_x", "v": 1}, {"n": "acc_y", "v": 2}, {"n": "acc_z", "v": 3}]
        publish(
            mosquitto.port,
            ("sensors/node-1/acc", {"t": T0, "values": many}),
            ("sensors/node-1/acc", b"no json"),
            ("sensors/node-1/other", {"t": T0, "values": many}),
            *(("senml/acc", [pack[0] | {"bt": T0 + i / 10}, *pack[1:]]) for i in range(11)),
        )
        wait_until(lambda: {one.source_id for one in sent(settings)} == {"node-1", "node-2"}, 60)
        mosquitto.stop()
        mosquitto.start()
        wait_until(lambda: caplog.text.count("subscribed to senml/# at") == 2, 60, told=lambda: caplog.text)
        publish(mosquitto.port, ("sensors/node-1/acc", {"t": T0 + 1, "values": many}))
        wait_until(lambda: len(sent(settings)) == 3, 60)
        wait_until(lambda: bridge.get("/readyz") == '{"ok":true,"reasons":[]}', 60, told=lambda: bridge.get("/readyz"))
        shown = bridge.get("/metrics")
    finally:
        intake = bridge.end()
    found = sent(settings)
    starts = sorted((one.source_id, one.start_ns // 10**9 - T0) for one in found)
    assert starts == [("node-1", 0), ("node-1", 1), ("node-2", 0)]
    assert all(one.values.tolist() == many for one in found)
    assert intake.refused == {"undecodable": 1, "unknown-modality": 1}
    for line in (
        "messages_total 15.0",
        "samples_total 31.0",
        'windows_total{modality="acc"} 3.0',
        'refused_total{reason="undecodable"} 1.0',
        'refused_total{reason="unknown-modality"} 1.0',
        "lost_windows_total 0.0",
        "connections_total 2.0",
        "connected 1.0",
    ):
        assert f"mmbind_bridge_{line}\n" in shown


def test_a_broker_that_is_not_there_yet_is_waited_for(
    mosquitto: Mosquitto, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    mosquitto.stop()
    bridge = Running(settings, mosquitto.port)
    try:
        waits = f"mqtt.address is '127.0.0.1:{mosquitto.port}': nothing listens there"
        wait_until(lambda: f"{waits}; trying again" in caplog.text, 60, told=lambda: caplog.text)
        assert waits in bridge.get("/readyz")
        mosquitto.start()
        wait_until(lambda: "subscribed to senml/# at" in caplog.text, 60, told=lambda: caplog.text)
    finally:
        bridge.end()
