"""What it costs to publish: a candidate judged, its bridge fitted, its files and a checkpoint written. No network."""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.trainer.steps import bindings_of, demo_specs
from streams.models.registry import Registry
from streams.records import Binding
from streams.testing import SyntheticWorld
from trainer.bridging import bridged
from trainer.candidate import judged_candidate
from trainer.checkpoints.checkpoint import CheckpointFolder
from trainer.checkpoints.progress import Progress, save
from trainer.learner import Learner
from trainer.settings import TrainerSettings

# As many held-out samples as the default settings keep: 512.
N_SOURCES, HELD_OUT, N_SLOTS = 12, 4, 128
PARTS = ("judge_s", "fit_s", "publish_s", "checkpoint_s")


def publishing_cost(rounds: int, n_slots: int = N_SLOTS) -> dict[str, float]:
    """Seconds of each part, medians over so many versions with a parent, and how the fit's compare to the judge's.

    The fit has the parent's files read, too. Once one has passed, the judge embeds with the best so far as well.
    """
    torch.set_num_threads(1)
    learner, took = _learner(n_slots), []
    with tempfile.TemporaryDirectory() as name:
        registry, folder = Registry(f"{name}/models"), CheckpointFolder(Path(name) / "checkpoints")
        parent, checkpoint = None, 0
        for version in range(1, rounds + 2):
            learner.run_cycle()
            at_s = [time.perf_counter()]
            candidate = judged_candidate(learner, version - 1, 1)
            assert candidate is not None
            at_s.append(time.perf_counter())
            bundle = bridged(candidate, registry, parent)
            assert parent is None or bundle.bridge is not None
            at_s.append(time.perf_counter())
            parent = registry.publish(bundle)
            at_s.append(time.perf_counter())
            checkpoint = save(folder, learner, Progress(), checkpoint)
            at_s.append(time.perf_counter())
            took.append(np.diff(at_s))
    rows = np.array(took[1:])
    figures = dict(zip(PARTS, np.median(rows, axis=0).tolist(), strict=True))
    return figures | {"fit_over_judge": float(np.median(rows[:, 1] / rows[:, 0]))}


def _learner(n_slots: int) -> Learner:
    world = SyntheticWorld(N_SOURCES, specs=demo_specs(3), n_complete=HELD_OUT, held_out=HELD_OUT)
    samples = {one.sample_id: one for one in world.samples(n_slots)}
    learner = Learner(world.specs, world.shared, TrainerSettings(steps_per_cycle=20, warm_samples=1))
    for binding in bindings_of([one for one in samples.values() if not one.held_out]):
        learner.admit(binding, samples)
    for one in samples.values():
        if one.held_out:
            learner.admit(Binding(sample_id=one.sample_id, round=0, model_version=0, outcome="held-out"), samples)
    return learner
