"""A learner's present encoders as a candidate, judged. Performs no I/O and reads no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from encoders.bundle import ModelBundle
from encoders.manifest import LogRange, ModelManifest
from streams.records import Decision, Sample
from trainer.judging.difference import standard_error
from trainer.judging.gate import decide, is_better
from trainer.judging.held_out import Evaluation
from trainer.learner import Learner


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """Trained encoders and the gate's word on them, and whether they are the best so far.

    `held_out` are the samples that it was judged on, in their newest units.

    The version is a wish: one that is taken becomes a free one. Its parent is the version that was announced before it,
    whatever the manifest says.
    """

    bundle: ModelBundle
    decision: Decision
    is_best: bool = False
    held_out: Sequence[Sample] = ()


def judged_candidate(
    learner: Learner,
    parent_version: int,
    created_ns: int,
    trained_on: Sequence[LogRange] = (),
    code_version: str = "",
) -> Candidate | None:
    """The candidate that follows `parent_version`, with the gate's word; None while binding could not use it.

    One that passes and is better becomes the learner's best, with which later ones are compared: were it enough to be
    hardly worse, many small steps down would be none. Where one is refused too often in a row, the learner goes on from
    its best. Without the shared modality a worker could do nothing with it.
    """
    if learner.shared not in learner.trained_modalities:
        return None
    version = parent_version + 1
    evaluation, best = learner.evaluate(), learner.evaluate_best()
    rival = best.by_sample if best else {}
    decision = decide(
        version,
        evaluation.judged,
        best.judged if best else None,
        learner.settings.gate,
        evaluation.missing,
        partial(standard_error, evaluation.by_sample, rival),
    )
    is_best = decision.passed and is_better(decision)
    if is_best:
        learner.crown(version)
    bundle = bundle_of(learner, version, parent_version, created_ns, evaluation, trained_on, code_version)
    learner.note_verdict(decision.passed)
    return Candidate(bundle, decision, is_best, learner.held_out.in_newest_units())


def bundle_of(
    learner: Learner,
    version: int,
    parent: int,
    created_ns: int,
    evaluation: Evaluation | None = None,
    trained_on: Sequence[LogRange] = (),
    code_version: str = "",
) -> ModelBundle:
    """A learner's trained encoders with their manifest, in whose evaluation `Learner.trained` stands, too."""
    manifest = ModelManifest(
        version=version,
        parent=parent,
        created_ns=created_ns,
        modalities=tuple(learner.specs[name] for name in learner.trained_modalities),
        shared_modality=learner.shared,
        dim=learner.settings.dim,
        code_version=code_version,
        settings=learner.settings.model_dump(mode="json"),
        seed=learner.settings.seed,
        evaluation=(evaluation.figures if evaluation else {}) | learner.trained,
        missing_evidence=evaluation.missing if evaluation else (),
        trained_on=tuple(trained_on),
        trained_sources=tuple(learner.taught.sources),
    )
    return ModelBundle(manifest, learner.trained_weights())
