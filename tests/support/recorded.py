"""A recorded stream for the trainer's tests: samples whose truth is known, and Bindings as a binder could make them."""

from dataclasses import dataclass

import numpy as np

from streams.records import Binding, Partner, Sample
from streams.testing import SyntheticWorld
from trainer.settings import TrainerSettings


@dataclass(frozen=True)
class Recorded:
    world: SyntheticWorld
    samples: dict[str, Sample]
    bindings: list[Binding]


def small_settings(**changes: object) -> TrainerSettings:
    """Settings with which a cycle takes a fraction of a second."""
    given = {
        "cycle_bindings": 16,
        "steps_per_cycle": 4,
        "warm_samples": 1,
        "publish_every_s": 0,
        "batch_pairs": 12,
        "dim": 16,
        "width": 8,
        "batch_spacing_s": 0,
        "idle_cycles": 0,
    }
    return TrainerSettings.model_validate(given | changes)


def recorded(n_slots: int = 8, n_sources: int = 8, precision: float = 0.8, seed: int = 0) -> Recorded:
    """A world of complete held-out nodes and incomplete others, each sample bound to three of those before it.

    `precision` is the share of partners with the same true label.
    """
    world = SyntheticWorld(n_sources, 3, n_complete=2, held_out=2, seed=seed)
    rng = np.random.default_rng(seed)
    samples = {sample.sample_id: sample for sample in world.samples(n_slots)}
    bindings: list[Binding] = []
    before: list[Sample] = []
    for sequence, sample in enumerate(samples.values()):
        if sample.held_out:
            bindings.append(binding_of(sample, (), "held-out", sequence))
            continue
        others = [one for one in before if one.source_id != sample.source_id]
        alike = [one for one in others if one.label == sample.label]
        pools = [alike if rng.random() < precision and alike else others for _ in range(3)] if others else []
        chosen = [pool[int(rng.integers(len(pool)))].sample_id for pool in pools]
        bindings.append(binding_of(sample, chosen, "bound" if chosen else "alone", sequence))
        before.append(sample)
    return Recorded(world, samples, bindings)


def binding_of(
    sample: Sample, partners: list[str] | tuple[str, ...], outcome: str = "bound", sequence: int = 0, round_: int = 0
) -> Binding:
    """A Binding with these partners, all equally probable."""
    edges = tuple(Partner(sample_id=one, similarity=0.5, probability=1 / len(partners)) for one in partners)
    return Binding(
        sample_id=sample.sample_id,
        round=round_,
        model_version=0,
        outcome=outcome,  # type: ignore[arg-type]
        partners=edges,
        sequence=sequence,
    )
