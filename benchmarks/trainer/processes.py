"""Batches a second of one process, of one with two threads, and of two processes. Touches no network."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from benchmarks.trainer.steps import N_SLOTS, N_SOURCES, TwoWindowsEach, bindings_of, demo_specs, seconds
from trainer.learner import Learner
from trainer.parallel.process_group import open_ranks
from trainer.settings import TrainerSettings

WARM_UP = 3
# Of a cycle; they take turns, so that a slow moment of the machine meets all of them.
BATCHES = 20


def processes_over_one(rounds: int) -> dict[str, float]:
    """Batches a second of each, medians, and how many times those of one process, the medians of all rounds."""
    with _learner(1) as alone, _learner(2) as together:
        took = []
        for _ in range(WARM_UP + rounds):
            torch.set_num_threads(2)
            two_threads_s = seconds(alone.run_cycle)
            torch.set_num_threads(1)
            took.append((seconds(alone.run_cycle), two_threads_s, seconds(together.run_cycle)))
    rates = BATCHES / np.array(took[WARM_UP:])
    one, threads, processes = np.median(rates, axis=0).tolist()
    return {
        "batches_per_s_1": one,
        "batches_per_s_2_threads": threads,
        "batches_per_s_2": processes,
        "two_threads_over_one": float(np.median(rates[:, 1] / rates[:, 0])),
        "two_processes_over_one": float(np.median(rates[:, 2] / rates[:, 0])),
    }


@contextmanager
def _learner(n_processes: int) -> Iterator[Learner]:
    world = TwoWindowsEach(N_SOURCES, specs=demo_specs(3))
    settings = TrainerSettings(processes=n_processes, steps_per_cycle=BATCHES, warm_samples=1)
    samples = {one.sample_id: one for one in world.samples(N_SLOTS)}
    with open_ranks(world.settings(), settings) as ranks:
        learner = Learner(world.specs, world.shared, settings, ranks=ranks)
        for binding in bindings_of(list(samples.values())):
            learner.admit(binding, samples)
        yield learner
