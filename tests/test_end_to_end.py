"""The whole loop as processes on real brokers: windows in, pairs bound, a model trained, published and swapped in."""

import signal
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from deploy.machine.brokers import Broker, EmbeddedBroker
from streams.broker.log import read_all
from streams.follower import ModelFollower
from streams.labels import LABEL
from streams.testing import SyntheticWorld
from tests.support.label_world import SMALL, LabelWorld, windows
from tests.support.workers import Farm, answer, homes, key_of
from trainer.checkpoints.checkpoint import admitted_twice

TRAINER: dict[str, object] = {
    "cycle_bindings": 48,
    "steps_per_cycle": 4,
    "warm_samples": 1,
    "publish_every_s": 0,
    "batch_pairs": 12,
    "dim": 16,
    "width": 8,
    # What so few steps teach is not judged here.
    "gate": {
        "retrieval_errors": 1e6,
        "chance_factor": 1.0,
        "chance_deviations": 0.0,
        "min_effective_rank": 1.0,
        "max_mean_cosine": 1.0,
    },
}
N_SOURCES, N_SLOTS = 8, 48


def test_a_killed_worker_and_a_killed_trainer_lose_nothing_and_repeat_nothing(
    any_broker: Broker, tmp_path: Path, prefix: str
) -> None:
    nodes = SyntheticWorld(N_SOURCES, n_complete=2, held_out=2)
    windows = list(nodes.windows(N_SLOTS))
    first, middle, last = (windows[len(windows) * part // 3 : len(windows) * (part + 1) // 3] for part in range(3))
    held_back = [
        w for w in middle if w.modality != nodes.shared and w.start_ns >= middle[-1].start_ns - 3 * nodes.hop_ns
    ]
    with Farm(any_broker, nodes, tmp_path, prefix, TRAINER, grace_s=3.0) as farm:
        worker, trainer = farm.start_worker(), farm.start_trainer()
        farm.send(first)
        farm.wait_for_bindings(N_SOURCES * N_SLOTS // 3)
        farm.wait(lambda: len(read_all(farm.broker, farm.names.models)) >= 4)

        farm.send(w for w in middle if w not in held_back)
        farm.wait_for_bindings(N_SOURCES * N_SLOTS // 2)
        first_life = {one.worker for one in farm.bindings()}
        worker.signal(signal.SIGKILL)
        trainer.signal(signal.SIGKILL)
        farm.send(held_back)
        worker, trainer = farm.start_worker(), farm.start_trainer()
        farm.send(last)
        farm.wait_for_bindings(N_SOURCES * N_SLOTS)
        with ModelFollower(farm.broker, farm.settings.registry.root, prefix=prefix) as follower:
            farm.wait(
                lambda: (
                    follower.version >= 2
                    and f"mmbind_follower_version {follower.version}.0" in answer(worker, "/metrics")
                )
            )
            fused = follower.embed_sample(farm.samples()[-1])

        found = homes(farm.samples())
        bound = {one.sample_id: one for one in farm.bindings()}
        assert {key: len(ids) for key, ids in found.items()} == {key_of(w): 1 for w in windows}
        assert {id_ for ids in found.values() for id_ in ids} == set(bound)
        assert Counter(one.outcome for one in bound.values())["held-out"] == 2 * N_SLOTS
        second = [one.model_version for one in farm.bindings() if one.worker not in first_life]
        assert min(second) > 0, "it begins with the model that is out, not without one"
        assert float(np.linalg.norm(fused)) == pytest.approx(1, abs=1e-5)
        assert (worker.stop(), trainer.stop()) == (0, 0)
        assert admitted_twice(tmp_path / "data" / "checkpoints") == 0


def test_worker_and_trainer_bind_and_learn_by_labels_through_a_broker(
    embedded_broker: EmbeddedBroker, tmp_path: Path, prefix: str
) -> None:
    nodes = LabelWorld(n_sources=6, n_classes=4, n_complete=1, held_out=1, seed=3)
    trainer = SMALL.model_dump(
        include={"cycle_bindings", "publish_every_s", "steps_per_cycle", "batch_pairs", "dim", "width"}
    )
    with Farm(embedded_broker, nodes, tmp_path, prefix, trainer=trainer, grace_s=0.5) as farm:
        sent = windows()
        farm.send(sent)
        farm.start_worker()
        farm.start_trainer()
        farm.wait_for_bindings(len({(one.source_id, one.start_ns) for one in sent}))
        farm.wait(lambda: any((tmp_path / "models").rglob(f"{LABEL}.safetensors")))
        samples = {one.sample_id: one for one in farm.samples()}
        found = [(samples[one.sample_id], samples[to.sample_id]) for one in farm.bindings() for to in one.partners]
        assert found
        assert all(one.label == other.label for one, other in found)
        assert not any(one.held_out or other.held_out for one, other in found)
        assert farm.rejects() == []
