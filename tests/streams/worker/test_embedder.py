"""The embedder as a process: what it writes is what a follower gives, once each, and none is missing."""

import json
import re
import signal
import time
from collections import Counter
from pathlib import Path

import numpy as np

from deploy.machine.brokers import Broker
from deploy.machine.process import ChildProcess
from deploy.topics.sources import say_forgotten
from streams.broker.log import read_all
from streams.follower import ModelFollower
from streams.records import SampleEmbedding
from tests.support.workers import Farm, answer, complete_world

NODES = complete_world(3)


def test_each_sample_gets_the_vector_that_a_follower_gives_for_its_raw_windows(
    any_broker: Broker, tmp_path: Path, prefix: str
) -> None:
    with Farm(any_broker, NODES, tmp_path, prefix, scaling_windows=4) as farm:
        embedder = farm.start("embeddings serve", "embedder")
        farm.wait(lambda: metrics(embedder) != "" and "at no version yet" in answer(embedder, "/readyz"))
        farm.start_worker()
        farm.send(NODES.windows(6))
        farm.wait_for_bindings(3 * 6)
        farm.publish(1, seed=1)
        farm.wait(lambda: len(embeddings(farm)) == 3 * 6)
        assert json.loads(answer(embedder, "/readyz"))["ok"]
        check(farm, version=1)
        assert 'mmbind_embedder_samples_total{outcome="embedded"} 18.0' in answer(embedder, "/metrics")
        assert embedder.stop() == 0

        farm.publish(2, seed=2)
        farm.send(NODES.windows(2, first=6))
        farm.wait_for_bindings(3 * 8)
        farm.start("embeddings serve", "embedder")
        farm.wait(lambda: len(embeddings(farm)) == 3 * 8)
        assert Counter(one.model_version for one in embeddings(farm)) == {1: 18, 2: 6}


def test_one_that_is_killed_is_stood_in_for_and_no_sample_is_missing(
    kafka_broker: Broker, tmp_path: Path, prefix: str
) -> None:
    shared = {"topics": {"sample_partitions": 3}}
    with Farm(kafka_broker, NODES, tmp_path, prefix, more=shared, grace_s=1.0) as farm:
        farm.publish(1, seed=1)
        farm.start_worker()
        both = [farm.start("embeddings serve", "embedder") for _ in range(2)]
        coming = iter(range(200))

        def both_have_embedded() -> bool:
            farm.send(NODES.windows(1, first=next(coming)))
            return all(re.search(r'outcome="embedded"} [1-9]', metrics(one)) for one in both)

        farm.wait(both_have_embedded)
        both[0].signal(signal.SIGKILL)
        n_slots = next(coming)
        farm.send(NODES.windows(10, first=n_slots))

        def all_are_embedded() -> bool:
            samples = farm.samples()
            # Where this process was held up while it sent, a slot may have come apart into two.
            is_whole = len({(one.source_id, one.start_ns) for one in samples}) == 3 * (n_slots + 10)
            return is_whole and {one.sample_id for one in embeddings(farm)} == {one.sample_id for one in samples}

        farm.wait(all_are_embedded)


def test_nothing_of_a_forgotten_source_is_embedded_and_its_scalings_are_taken_back(
    any_broker: Broker, tmp_path: Path, prefix: str
) -> None:
    with Farm(any_broker, NODES, tmp_path, prefix, scaling_windows=2) as farm:
        farm.publish(1, seed=1)
        farm.start_worker()
        farm.send(NODES.windows(4))
        farm.wait_for_bindings(3 * 4)
        say_forgotten(farm.settings, "node-01", time.time_ns(), undo=False)
        farm.wait(lambda: len(taken_back(farm)) == len(NODES.specs))
        assert taken_back(farm) == {f"node-01/{name}" for name in NODES.specs}
        farm.start("embeddings serve", "embedder")
        farm.wait(lambda: len(embeddings(farm)) == 2 * 4)
        farm.send(NODES.windows(1, first=4))
        farm.wait(lambda: len(embeddings(farm)) == 2 * 5)
        assert {one.source_id for one in embeddings(farm)} == {"node-00", "node-02"}
        assert "node-01/gravity" in taken_back(farm), "nothing was told of it since"


def embeddings(farm: Farm) -> list[SampleEmbedding]:
    return farm.records(farm.names.embeddings, SampleEmbedding)


def metrics(process: ChildProcess) -> str:
    return answer(process, "/metrics") if "health on" in process.log_file.read_text() else ""


def check(farm: Farm, version: int) -> None:
    samples = {one.sample_id: one for one in farm.samples()}
    with ModelFollower(farm.broker, farm.settings.registry.root, prefix=farm.settings.topics.prefix) as follower:
        assert follower.wait_for(version, timeout_s=30)
        for one in embeddings(farm):
            sample = samples[one.sample_id]
            assert (one.source_id, one.start_ns) == (sample.source_id, sample.start_ns)
            assert (one.model_version, set(one.modalities)) == (version, set(sample.windows))
            found = follower.embed_raw_versioned(sample.source_id, sample.windows)
            assert set(found.scaled_by.values()) == {"stream"}
            np.testing.assert_array_equal(one.values, found.rows[0])


def taken_back(farm: Farm) -> set[str]:
    """The keys whose last word is a tombstone."""
    last = {(one.key or b"").decode(): one.value for one in read_all(farm.broker, farm.names.scalings)}
    return {key for key, value in last.items() if value is None}
