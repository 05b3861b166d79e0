"""Recordings in the units of the stream, of the nodes that it knows."""

from pathlib import Path

import numpy as np
import pytest
from kafka import KafkaProducer

from deploy.machine.brokers import EmbeddedBroker
from encoders.scaling import Scaling
from streams.broker.connection import producer_config
from streams.messages.outbox import Outbox
from streams.records import NodeScaling
from streams.testing import SyntheticWorld
from tests.support.commands import asked, refusal, run
from tests.support.topics import installed

WORLD = SyntheticWorld(6, 3, noise=0.1, seed=1)


def scaling(n_channels: int) -> Scaling:
    return Scaling(center=np.ones(n_channels, np.float32), scale=np.full(n_channels, 9, np.float32), n_windows=40)


def test_nodes_that_the_stream_knows_are_scaled_as_it_has_them(
    embedded_broker: EmbeddedBroker, prefix: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = installed(embedded_broker, prefix, tmp_path / "models")
    node = WORLD.sources[0]
    told = [
        NodeScaling(source_id=node, modality=name, scaling=scaling(one.n_channels)) for name, one in WORLD.specs.items()
    ]
    told.append(NodeScaling(source_id=WORLD.sources[1], modality=WORLD.shared, scaling=scaling(17)))
    producer = KafkaProducer(**producer_config(settings.broker))
    for one in Outbox(settings.topics).scalings(told):
        producer.send(one.topic, one.value, one.key, list(one.headers), one.partition).get(timeout=30)
    producer.close()
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", embedded_broker.bootstrap_servers)
    monkeypatch.setenv("MMBIND_TOPICS__PREFIX", prefix)
    run(asked(place, "embed", "--out", str(tmp_path / "own.npz")))
    said = run(asked(place, "embed", "--scaling", "stream", "--out", str(tmp_path / "stream.npz")))
    assert "1 of 6 nodes scaled as the stream has them" in said
    with np.load(tmp_path / "own.npz") as own, np.load(tmp_path / "stream.npz") as stream:
        same = (own["embedding"] == stream["embedding"]).all(axis=1)
        np.testing.assert_array_equal(same, own["source"] != node)


def test_another_scaling_is_refused(place: Path, tmp_path: Path) -> None:
    given = asked(place, "embed", "--scaling", "mine", "--out", str(tmp_path / "own.npz"))
    assert "--scaling mine: wanted own or stream" in refusal(given)
