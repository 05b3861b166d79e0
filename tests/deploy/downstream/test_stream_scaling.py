"""Recordings in the units of the stream, of the nodes that it knows."""

from pathlib import Path

import numpy as np
import pytest
from kafka import KafkaProducer
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.machine.brokers import EmbeddedBroker, free_port
from encoders.scaling import Scaling
from streams.broker.connection import BrokerUnreachable, producer_config
from streams.messages.outbox import Outbox
from streams.records import NodeScaling
from streams.testing import SyntheticWorld
from tests.support.commands import asked, run
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
    told.append(NodeScaling(source_id=WORLD.sources[2], modality=WORLD.shared, scaling=scaling(3)))
    told.append(NodeScaling(source_id=WORLD.sources[1], modality=WORLD.shared, scaling=scaling(17)))
    producer = KafkaProducer(**producer_config(settings.broker))
    outbox = Outbox(settings.topics)
    for one in (*outbox.scalings(told), *outbox.forgotten_scalings(WORLD.sources[2], WORLD.specs)):
        producer.send(one.topic, one.value, one.key, list(one.headers), one.partition).get(timeout=30)
    producer.close()
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", embedded_broker.bootstrap_servers)
    monkeypatch.setenv("MMBIND_TOPICS__PREFIX", prefix)
    said = run(asked(place, "embed", "--scaling", "own", "--out", str(tmp_path / "own.npz")))
    assert "scaled by these recordings alone" in said
    for more in ((), ("--scaling", "stream")):
        said = run(asked(place, "embed", *more, "--out", str(tmp_path / "stream.npz")))
        assert "1 of 6 nodes scaled as the stream has them" in said
    with np.load(tmp_path / "own.npz") as own, np.load(tmp_path / "stream.npz") as stream:
        same = (own["embedding"] == stream["embedding"]).all(axis=1)
        np.testing.assert_array_equal(same, own["source"] != node)


def test_another_scaling_is_refused(place: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, asked(place, "embed", "--scaling", "mine", "--out", str(tmp_path / "own.npz")))
    assert done.exit_code == 2 and "'mine' is not one of 'auto', 'own', 'stream'" in done.output


def test_without_a_broker_the_recordings_scale_themselves_unless_the_stream_was_asked_for(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    said = run(asked(place, "embed", "--out", str(tmp_path / "auto.npz")))
    assert "scaled by these recordings alone, since the stream cannot be asked (" in said
    run(asked(place, "embed", "--scaling", "own", "--out", str(tmp_path / "own.npz")))
    with np.load(tmp_path / "own.npz") as own, np.load(tmp_path / "auto.npz") as auto:
        np.testing.assert_array_equal(own["embedding"], auto["embedding"])
    given = asked(place, "embed", "--scaling", "stream", "--out", str(tmp_path / "stream.npz"))
    assert isinstance(CliRunner().invoke(app, given).exception, BrokerUnreachable)
