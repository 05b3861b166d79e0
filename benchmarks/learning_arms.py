"""The arms of the learning benchmark: what they are paired by, and their training through the product's own Learner.

All arms of a mode take the same number of steps from the same seed with the same augmentation; arms with the same loss
differ in their pairs alone. "plain" has ordinary negatives, "soft" the product's softened ones; "ours" asks again
half-way with what it has learned.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.learning_data import SPACING_S, World
from benchmarks.learning_pairs import bind_all, bind_as_mmbind, judge_bindings
from benchmarks.learning_score import Weights, score
from deploy.config import Settings
from deploy.replay import Loop, described
from deploy.truth import Truth
from encoders.nets import EncoderFunction
from streams.records import Binding, Sample
from streams.registry import Registry
from trainer.controls import replay_bindings
from trainer.learner import Learner
from trainer.settings import TrainerSettings
from trainer.step import TrainStep

# By mode, in the order of the table.
OFFLINE = (
    "untrained",
    "random/plain",
    "natural/plain",
    "mmbind/plain",
    "ours/plain",
    "oracle/plain",
    "random/soft",
    "natural/soft",
    "mmbind/soft",
    "ours-once/soft",
    "ours/soft",
    "oracle/soft",
    "complete/soft",
)
ONLINE = ("natural/plain", "mmbind/plain", "natural/soft", "random/soft", "mmbind/soft", "ours/soft", "oracle/soft")
MEANING = {
    "untrained": "nothing trained",
    "random": "random pairs, fresh each time",
    "natural": "natural edges only",
    "mmbind": "MMBind: top-1 raw cosine, its weights",
    "ours-once": "ours, generation 0 throughout",
    "ours": "ours",
    "oracle": "pairs by the true label",
    "complete": "natural triples (complete data)",
}
LOSSES = {"plain": "plain loss", "soft": "softened negatives"}


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One arm in one world. `settings` are the product's with the benchmark's steps and seed."""

    world: World
    arm: str
    settings: Settings
    n_steps: int
    n_cycles: int = 10

    @property
    def pairs(self) -> str:
        """What decides the partners."""
        return self.arm.partition("/")[0]

    @property
    def trainer(self) -> TrainerSettings:
        """The trainer's settings with this arm's loss and weights."""
        trainer = self.settings.trainer
        softening = trainer.softening.model_copy(update={"enabled": self.arm.endswith("/soft")})
        weight = "similarity" if self.pairs == "mmbind" else trainer.edge_weight
        return trainer.model_copy(update={"softening": softening, "edge_weight": weight})


def product_settings(world: World, seed: int) -> Settings:
    """The product's settings as they come, for this world's modalities."""
    hop_s = world.recordings.hop_s
    settings = Settings.model_validate(
        {
            "modalities": {name: described(spec) for name, spec in world.recordings.specs.items()},
            "shared_modality": world.shared,
            "ingest": {"hop_s": hop_s, "grace_s": 2 * hop_s, "held_out_sources": world.roles[2]},
        }
    )
    return settings.model_copy(update={"trainer": settings.trainer.model_copy(update={"seed": seed})})


def run_offline(task: Task) -> dict[str, dict[str, float]]:
    """The arm with all samples at once: figures of its encoders and of its pairs."""
    weights, bindings = trained_offline(task)
    judged = judge_bindings(bindings, task.world.train, task.world.shared) if _has_pairs(task) else {}
    return {"encoders": score(task.world, weights), "pairs": judged}


def trained_offline(task: Task) -> tuple[Weights, list[Binding]]:
    """The arm's encoders with all samples at once, and the Bindings that went in."""
    world, trainer = task.world, task.trainer
    if task.pairs == "untrained":
        return TrainStep(world.recordings.specs, world.shared, trainer, trainer.seed).weights(), []
    samples = world.complete if task.pairs == "complete" else world.train
    bindings = _offline_pairs(task, list(samples.values()))
    if task.pairs == "ours":
        learner, bindings = _asked_again(task, bindings)
    else:
        once = trainer.model_copy(update={"cycle_bindings": len(bindings), "steps_per_cycle": task.n_steps})
        learner = _trained(task, bindings, samples, once)
    return _weights(learner), bindings


def run_online(task: Task, order: str) -> dict[str, dict[str, float]]:
    """The arm with samples as they arrive, each bound to those before it, training in between.

    Ours is the product's whole loop: intake, binder, learner, gate, registry, swap. The others go through a learner
    with the same samples in the same order, at the same cycles.
    """
    world = task.world
    seed = task.settings.trainer.seed
    stream = world.stream(order, seed)
    n_samples = len(world.train)
    trainer = task.trainer.model_copy(
        update={
            "cycle_bindings": -(-n_samples // task.n_cycles),
            "steps_per_cycle": max(1, round(task.n_steps / task.n_cycles)),
        }
    )
    ingest = task.settings.ingest.model_copy(update={"hop_s": SPACING_S, "grace_s": 2 * SPACING_S})
    settings = task.settings.model_copy(update={"trainer": trainer, "ingest": ingest})
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(settings, Registry(folder))
        if task.pairs == "ours":
            loop.replay(stream.visible)
        else:
            for sample, binding in (*loop.pipeline.feed(stream.visible), *loop.pipeline.flush()):
                loop.samples[sample.sample_id] = sample
                loop.bindings.append(binding)
    samples = Truth(stream, SPACING_S).labelled(loop.samples.values())
    bindings = loop.bindings
    learner = loop.learner
    if task.pairs != "ours":
        if task.pairs == "mmbind":
            ordered = [samples[one.sample_id] for one in bindings]
            bindings = bind_as_mmbind([one for one in ordered if not one.held_out], world.shared, is_online=True)
        learner = _trained(task, bindings, samples, trainer)
    judged = judge_bindings(bindings, samples, world.shared) if _has_pairs(task) else {}
    figures = {"followed": float(loop.followed), "published": float(len(loop.weights))} if task.pairs == "ours" else {}
    return {"encoders": score(world, _weights(learner)), "pairs": judged | figures}


def _offline_pairs(task: Task, samples: Sequence[Sample]) -> list[Binding]:
    """The arm's Bindings, or the product's where the partners come from a control's rule."""
    if task.pairs == "mmbind":
        return bind_as_mmbind(samples, task.world.shared)
    return bind_all(samples, task.settings.specs[task.world.shared], task.settings.binding)


def _has_pairs(task: Task) -> bool:
    return task.pairs.startswith(("ours", "mmbind"))


def _trained(
    task: Task, bindings: Sequence[Binding], samples: Mapping[str, Sample], trainer: TrainerSettings
) -> Learner:
    rules = {"natural": "natural", "random": "random", "oracle": "oracle", "complete": "natural"}
    rule = rules.get(task.pairs, "bound")
    return replay_bindings(bindings, samples, task.settings.specs, task.world.shared, trainer, rule)


def _asked_again(task: Task, bindings: Sequence[Binding]) -> tuple[Learner, list[Binding]]:
    """Half of the steps with generation 0's pairs, the rest with those that the encoders of half-way find."""
    world, specs, shared = task.world, task.settings.specs, task.world.shared
    halves = [task.n_steps // 2, task.n_steps - task.n_steps // 2]
    asked: list[Binding] = list(bindings)
    trainer = task.trainer.model_copy(update={"cycle_bindings": len(bindings), "steps_per_cycle": halves[0]})
    learner = replay_bindings(bindings, world.train, specs, shared, trainer)
    encoder = EncoderFunction(specs[shared], _weights(learner)[shared])
    asked = bind_all(list(world.train.values()), specs[shared], task.settings.binding, encoder, round_=1)
    trainer = trainer.model_copy(update={"steps_per_cycle": halves[1]})
    learner = Learner(specs, shared, trainer, state=learner.snapshot(), samples=world.train)
    for binding in asked:
        learner.admit(binding, world.train)
    learner.run_cycle()
    return learner, [*bindings, *asked]


def _weights(learner: Learner) -> Weights:
    return learner.bundle(version=1, parent=0, created_ns=0).weights
