"""Vectors out in raw units: those that the worker's own samples give."""

from pathlib import Path

import numpy as np
import pytest

from deploy.machine.brokers import Broker
from streams.broker.log import read_all
from streams.follower import ModelFollower, NoModelYet
from streams.messages.codec import decode_many, encode
from streams.models.log import MemoryModelLog
from streams.records import NodeScaling, Sample
from tests.support.following import Publisher
from tests.support.models import DIM, windows
from tests.support.workers import Farm, complete_world


def test_a_raw_window_gives_the_vector_of_its_sample(tmp_path: Path) -> None:
    publisher, scalings = Publisher(tmp_path), MemoryModelLog()
    publisher.publish(1)
    publisher.move("stable", 1)
    follower = ModelFollower(root=str(tmp_path), models=publisher.log, scalings=scalings.records)
    raw = {name: 3 * values + 7 for name, values in windows().items()}
    with pytest.raises(NoModelYet):
        follower.embed_raw("a", raw)
    with follower:
        assert follower.wait_for(1, timeout_s=30)
        own = follower.embed_raw_versioned("b", raw)
        assert own.scaled_by == {"gravity": "own", "gyroscope": "own"} and own.version == 1
        moment = {name: values[0] for name, values in raw.items()}
        assert follower.embed_raw("b", raw).shape == (5, DIM) and follower.embed_raw("b", moment).shape == (DIM,)
        one = follower.embed_raw("b", {"gyroscope": raw["gyroscope"][:1]})
        assert one.shape == (1, DIM)


def test_a_worker_tells_the_scaling_of_each_node_and_again_after_a_restart(
    any_broker: Broker, tmp_path: Path, prefix: str
) -> None:
    world = complete_world(3)
    with Farm(any_broker, world, tmp_path, prefix, scaling_windows=4) as farm:
        farm.publish(1, seed=1)
        worker = farm.start_worker()
        farm.send(world.windows(6))
        farm.wait_for_bindings(3 * 6)
        told = scalings(farm)
        assert set(told) == {f"{source}/{name}" for source in world.sources for name in world.specs}
        with ModelFollower(farm.broker, farm.settings.registry.root, prefix=prefix) as follower:
            assert follower.wait_for(1, timeout_s=30)
            check(follower, farm.samples(), told)
        assert worker.stop() == 0
        n_before = len(read_all(farm.broker, farm.names.scalings))
        farm.start_worker()
        farm.send(world.windows(2, first=6))
        farm.wait_for_bindings(3 * 8)
        # Which of them moved nobody knows any more: each is told anew.
        assert len(read_all(farm.broker, farm.names.scalings)) >= n_before + 9


def scalings(farm: Farm) -> dict[str, NodeScaling]:
    messages = read_all(farm.broker, farm.names.scalings)
    return {(one.key or b"").decode(): record for one in messages for record in decode_many(one.value, NodeScaling)}


def check(follower: ModelFollower, samples: list[Sample], told: dict[str, NodeScaling]) -> None:
    """Where a sample was scaled as the stream says now, its raw windows give its vector to the bit."""
    n_same = 0
    for sample in samples:
        found = follower.embed_raw_versioned(sample.source_id, sample.windows)
        assert set(found.scaled_by.values()) == {"stream"}
        newest = {name: told[f"{sample.source_id}/{name}"].scaling for name in sample.windows}
        if all(encode(newest[name]) == encode(sample.scaling[name]) for name in newest):
            n_same += 1
            np.testing.assert_array_equal(found.rows[0], follower.embed_sample(sample))
    assert n_same
