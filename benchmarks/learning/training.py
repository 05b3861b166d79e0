"""The training of the learning benchmark's arms, through the product's own binder, learner and loop.

Offline: all samples at once. Online: as they arrive, each bound to those before it, training in between.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.learning.arms import Task
from benchmarks.learning.baselines import WAYS, baseline, shared_embeddings
from benchmarks.learning.limits import with_true_pairs
from benchmarks.learning.mixtures import is_mixture, mixture
from benchmarks.learning.pairs import OfflineBinder, alone, bind_as_mmbind, judge_bindings
from benchmarks.learning.score import Weights, score, weights_of
from benchmarks.slots import SPACING_S
from deploy.recordings.truth import Truth
from deploy.replay.loop import Loop
from deploy.settings.config import Settings
from encoders.nets import EncoderFunction
from streams.binder import Binder
from streams.models.registry import Registry
from streams.records import Binding, Sample
from trainer.controls import replay_bindings, spread_steps
from trainer.learner import Learner
from trainer.parallel.process_group import open_ranks
from trainer.replay.buffer import PartnerRule
from trainer.settings import TrainerSettings
from trainer.state import CycleReport
from trainer.step.step import TrainStep

# What chooses the partners of an arm in the learner, where it is not its Bindings.
RULES = {"natural": "natural", "random": "random", "oracle": "oracle", "complete": "natural"}


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What came of an arm: encoders, all Bindings that went in, in order, and how many steps were taken.

    `facts` are figures of the run itself; `samples` those that the Bindings speak of, labelled.
    """

    weights: Weights
    n_steps: int
    bindings: Sequence[Binding] = ()
    samples: Mapping[str, Sample] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)


def figures(task: Task, trained: Trained) -> tuple[dict[str, float], dict[str, float]]:
    """Of the encoders, and of the pairs where the arm has pairs to judge."""
    judged: dict[str, float] = {}
    if task.has_pairs:
        judged = judge_bindings(trained.bindings, trained.samples, task.world.shared)
    return score(task.world, trained.weights), judged | dict(trained.facts)


def trained_offline(task: Task) -> Trained:
    """The arm trained with all samples at once."""
    world, trainer = task.world, task.trainer
    if task.pairs == "untrained":
        return Trained(TrainStep(task.settings.specs, world.shared, trainer, trainer.seed).weights(), 0)
    once = trainer.model_copy(
        update={"cycle_bindings": len(world.train), "steps_per_cycle": task.n_steps, "warm_samples": 1}
    )
    if task.pairs in WAYS:
        return Trained(baseline(world, task.pairs, once, task.n_steps), task.n_steps)
    samples = world.complete if task.pairs == "complete" else world.train
    shuffled = _shuffled(list(samples.values()), trainer.seed)
    if task.is_ours:
        return _ours_offline(task, shuffled)
    bindings = alone(shuffled)
    if task.pairs.startswith("mmbind"):
        vectors = shared_embeddings(world, shuffled, once, task.n_steps) if task.pairs == "mmbind-encoder" else None
        bindings = bind_as_mmbind(shuffled, world.shared, vectors=vectors)
    return _trained(task, bindings, samples, once)


def trained_online(task: Task, order: str) -> Trained:
    """The arm with samples as they arrive, each bound to those before it, training in between.

    Ours is the product's whole loop: intake, binder, learner, gate, registry, swap. The others go through a learner
    with the same samples in the same order, at the same cycles.

    Args:
        task: The arm.
        order: "random" or "sources".
    """
    stream = task.world.stream(order, task.trainer.seed)
    settings = _online_settings(task)
    with tempfile.TemporaryDirectory() as folder, open_ranks(settings, settings.trainer) as ranks:
        loop = Loop(settings if task.is_ours else _only_assembling(settings), Registry(folder), ranks)
        if task.is_ours:
            loop.replay(stream.visible)
        else:
            for bound in (loop.pipeline.feed(stream.visible), loop.pipeline.flush()):
                loop.samples |= {one.sample_id: one for one in bound.samples}
                loop.bindings += bound.bindings
    samples = Truth(stream, SPACING_S).labelled(loop.samples.values())
    if not task.is_ours:
        return _trained(task, _other_pairs(task, loop.bindings, samples), samples, settings.trainer)
    facts = estimate(loop.pipeline.binder) | {
        "followed": float(loop.followed),
        "published": float(len(loop.weights)),
        "rounds": float(len({one.round for one in loop.bindings})),
    }
    if "-true-" in task.pairs:
        is_early = task.pairs.endswith("early")
        chosen = with_true_pairs(
            loop.bindings, samples, task.world.shared, task.trainer.seed, lambda one: (one.round == 0) == is_early
        )
        return _trained(task, chosen, samples, settings.trainer)
    return Trained(weights_of(loop.learner), max(loop.losses), loop.bindings, samples, facts)


def estimate(binder: Binder) -> dict[str, float]:
    """Pair precision as the binder estimates it without labels, in `predicted`; nothing where it says none."""
    said = binder.estimate
    if said.value is None:
        return {}
    limits = {"predicted_low": said.low, "predicted_high": said.high}
    return {"predicted": said.value} | {name: value for name, value in limits.items() if value is not None}


def _online_settings(task: Task) -> Settings:
    n_samples = len(task.world.train)
    trainer = task.trainer.model_copy(update={"cycle_bindings": -(-n_samples // task.n_cycles)})
    trainer = spread_steps(trainer, n_samples, task.n_steps)
    ingest = task.settings.ingest.model_copy(update={"hop_s": SPACING_S, "grace_s": 2 * SPACING_S})
    return task.settings.model_copy(update={"trainer": trainer, "ingest": ingest})


def _only_assembling(settings: Settings) -> Settings:
    """For arms whose pairs come from elsewhere: the binder's own are not looked at."""
    binding = settings.binding.model_copy(update={"review_samples": 0, "calibration": False})
    return settings.model_copy(update={"binding": binding})


def _other_pairs(task: Task, bindings: Sequence[Binding], samples: Mapping[str, Sample]) -> list[Binding]:
    if task.pairs != "mmbind":
        return list(bindings)
    ordered = [samples[one.sample_id] for one in bindings]
    return bind_as_mmbind([one for one in ordered if not one.held_out], task.world.shared, is_online=True)


def _shuffled(samples: Sequence[Sample], seed: int) -> list[Sample]:
    return [samples[i] for i in np.random.default_rng([seed, 3]).permutation(len(samples))]


def _trained(
    task: Task, bindings: Sequence[Binding], samples: Mapping[str, Sample], trainer: TrainerSettings
) -> Trained:
    steps = [0]

    def count(learner: Learner, cycle: CycleReport) -> None:
        steps.append(cycle.n_steps)

    rule: str | PartnerRule = RULES.get(task.pairs, "bound")
    if is_mixture(task.pairs):
        rule = mixture(task.pairs, task.world.shared)
    learner = replay_bindings(bindings, samples, task.settings.specs, task.world.shared, trainer, rule, count)
    return Trained(weights_of(learner), steps[-1], bindings, samples)


def _ours_offline(task: Task, samples: Sequence[Sample]) -> Trained:
    """Half of the steps with generation 0's pairs, the rest with those that the encoders of half-way find."""
    world, specs, shared = task.world, task.settings.specs, task.world.shared
    trainer = task.trainer.model_copy(update={"steps_per_cycle": max(1, task.n_steps // 2), "warm_samples": 1})
    learner, offline = Learner(specs, shared, trainer), OfflineBinder(samples, task.settings)
    early = offline.first_round()
    facts = estimate(offline.binder)
    if facts:
        facts["predicted_of"] = judge_bindings(early, world.train, shared).get("precision", float("nan"))
    cycles, trained_on = [], [_partly_true(task, early, early, "early")]
    for half in range(2):
        for binding in trained_on[half]:
            learner.admit(binding, world.train)
        cycles.append(learner.run_cycle())
        if not half and task.pairs == "ours-once":
            trained_on.append([])
        elif not half:
            encoders = {name: EncoderFunction(specs[name], one) for name, one in weights_of(learner).items()}
            late = offline.round_with(encoders)
            facts = estimate(offline.binder) or facts
            trained_on.append(_partly_true(task, [*early, *late], late, "late"))
    bindings = [one for part in trained_on for one in part]
    return Trained(weights_of(learner), cycles[-1].n_steps, bindings, world.train, facts)


def _partly_true(task: Task, so_far: Sequence[Binding], new: Sequence[Binding], which: str) -> list[Binding]:
    if task.pairs != f"ours-true-{which}":
        return list(new)
    fresh = {id(one) for one in new}
    samples, seed = task.world.train, task.trainer.seed
    chosen = with_true_pairs([*so_far, *new], samples, task.world.shared, seed, lambda one: id(one) in fresh)
    return chosen[-len(new) :]
