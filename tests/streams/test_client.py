"""Raw samples to windows in the topics. Against real brokers."""

import logging
from collections.abc import Iterator

import numpy as np
import pytest

from deploy.machine.brokers import Broker, free_port
from deploy.topics.installation import install_topics
from streams.broker.connection import BrokerUnreachable
from streams.broker.log import read_all
from streams.client import SensorClient, UnknownModality
from streams.messages.codec import decode_window, split
from streams.records import SensorWindow
from streams.settings import BrokerSettings, IngestSettings, ModalitySettings, StreamSettings, TopicSettings

S = 1_000_000_000
T0 = 1_700_000_000 * S
RATE_HZ = 50


@pytest.fixture
def settings(broker: Broker, prefix: str) -> StreamSettings:
    made = StreamSettings(
        broker=BrokerSettings(bootstrap_servers=broker.bootstrap_servers),
        topics=TopicSettings(prefix=prefix),
        modalities={
            "acc": ModalitySettings(n_channels=3, n_steps=50, rate_hz=RATE_HZ, channels=("x", "y", "z")),
            "pulse": ModalitySettings(n_channels=1, n_steps=10, rate_hz=10),
        },
        shared_modality="acc",
        ingest=IngestSettings(hop_s=1.0),
    )
    install_topics(made)
    return made


@pytest.fixture
def client(settings: StreamSettings) -> Iterator[SensorClient]:
    with SensorClient(settings.broker.bootstrap_servers, settings.topics.prefix) as made:
        yield made


def arrived(settings: StreamSettings, modality: str) -> list[SensorWindow]:
    topic = f"{settings.topics.prefix}windows.{modality}"
    found = [decode_window(raw) for one in read_all(settings.broker, topic) for raw in split(one.value or b"")]
    return sorted(found, key=lambda window: (window.source_id, window.start_ns))


def test_samples_arrive_as_windows_that_meet(client: SensorClient, settings: StreamSettings) -> None:
    assert client.modalities == settings.sensors
    values = np.random.default_rng(0).normal(size=(150, 3)).astype(np.float32)
    sent = 0
    for i in range(150):
        t = T0 + i * S // RATE_HZ
        sent += client.push("node-1", "acc", t, values[i])
        if i % 50 == 4:  # a packet of ten samples from here on
            client.push("node-1", "pulse", t, np.arange(10.0))
    assert sent == 3
    client.push("node-2", "acc", T0 + 123, np.zeros((50, 3)))
    client.flush()
    windows = arrived(settings, "acc")
    assert [(one.source_id, one.start_ns) for one in windows] == [
        *(("node-1", T0 + i * S) for i in range(3)), ("node-2", T0 + 123)
    ]  # fmt: skip
    np.testing.assert_array_equal(np.concatenate([one.values for one in windows[:3]]), values)
    assert [one.start_ns for one in arrived(settings, "pulse")] == [T0, T0 + S, T0 + 2 * S]
    assert client.n_failed == 0


def test_close_sends_what_lacks_the_last_step_only(settings: StreamSettings) -> None:
    with SensorClient(settings.broker.bootstrap_servers, settings.topics.prefix, batch=10) as client:
        client.push("node-1", "pulse", T0, np.arange(9.0))
    (window,) = arrived(settings, "pulse")
    assert window.values[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 8]


def test_what_cannot_be_is_said_at_once(client: SensorClient) -> None:
    with pytest.raises(UnknownModality, match="modality is 'gyro', wanted one of those that exist: acc, pulse"):
        client.push("node-1", "gyro", T0, [1, 2, 3])
    with pytest.raises(ValueError, match=r"acc: values have shape \(2,\), wanted 3 channels \(x, y, z\)"):
        client.push("node-1", "acc", T0, [1, 2])
    with pytest.raises(ValueError, match=r"is this in s\?"):
        client.push("node-1", "acc", 1_700_000_000, [1, 2, 3])


def test_a_sensor_that_never_fills_a_window_is_told_of(client: SensorClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "streams.client"):
        client.push("node-1", "acc", T0 + S // 5 * np.arange(42), np.zeros((42, 3)))
        client.push("node-1", "acc", T0 + S // 5 * np.arange(42, 50), np.zeros((8, 3)))
    (said,) = caplog.messages
    assert said.startswith("node-1, acc: 41 gaps in a row and no whole window of 1 s between them; samples should come")


def test_without_a_broker_the_step_that_fails_is_said() -> None:
    with pytest.raises(BrokerUnreachable, match="nothing listens"):
        SensorClient(f"127.0.0.1:{free_port()}")
