"""The way from a checkpoint to a version, step by step as it was taken. Touches no network and reads no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from encoders.errors import MmbindError
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec
from streams.records import Binding, Sample
from trainer.checkpoints.checkpoint import Checkpoint, CheckpointError, CheckpointFolder, Past, load_checkpoint
from trainer.learner import Learner
from trainer.replay.buffer import Identity
from trainer.settings import TrainerSettings
from trainer.state import LearnerState
from trainer.step.ranks import OtherRanks


class CannotRetrace(MmbindError):  # noqa: N818 - it says what is so
    """What a version was made of is not all there any more; the message says which part."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """From `base`, or from nothing where that is None, through each of `pasts`."""

    base: Checkpoint | None
    pasts: Sequence[Past]
    admitted: Sequence[Identity]

    @property
    def identities(self) -> set[Identity]:
        """Of the Bindings that are wanted."""
        return {one for past in self.pasts for one in past.admissions}

    @property
    def sample_ids(self) -> set[str]:
        """Of the samples that are wanted."""
        held = {entry.sample_id for entry in self.base.edges} if self.base else set()
        return held | {sample_id for sample_id, _ in self.identities}

    @property
    def n_steps(self) -> int:
        """How many are taken."""
        return sum(n_steps for past in self.pasts for _, n_steps in past.facts.get("choices", ()))


def course_to(manifest: ModelManifest, folder: CheckpointFolder) -> Course:
    """The shortest course to a version.

    Args:
        manifest: Of the version.
        folder: Of the trainer that made it.

    Raises:
        CannotRetrace: If the version is of another training, or too little is kept.
    """
    wanted = int(manifest.evaluation.get("trained/steps", -1))
    pasts = folder.history(folder.newest)
    ends = [place for place, past in enumerate(pasts) if _is_of(past, wanted, manifest.lineage)]
    if not ends:
        raise CannotRetrace(
            f"version {manifest.version} was made after {wanted} steps of training {manifest.lineage or 'unknown'}: "
            f"no checkpoint in {folder.root} is of that moment"
        )
    for start in range(ends[0], 0, -1):
        try:
            base = load_checkpoint(folder.root / str(pasts[start - 1].number))
        except CheckpointError:
            continue
        before = folder.admitted(base.number)
        return Course(base, pasts[start : ends[0] + 1], before)
    if pasts[0].parent:
        raise CannotRetrace(
            f"version {manifest.version}: of the checkpoints before it in {folder.root} none has its weights, "
            f"and those before checkpoint {pasts[0].number} are gone"
        )
    return Course(None, pasts[: ends[0] + 1], ())


def retraced(
    course: Course,
    specs: Mapping[str, ModalitySpec],
    shared: str,
    settings: TrainerSettings,
    bindings: Mapping[Identity, Binding],
    samples: Mapping[str, Sample],
    ranks: OtherRanks | None = None,
) -> Learner:
    """The learner at the end of the course, on the CPU.

    Args:
        course: To be taken.
        specs: Modalities by name, as they were.
        shared: The shared modality.
        settings: As the version's manifest has them.
        bindings: All that the course names.
        samples: All that the course names, by id.
        ranks: As many other processes as there were.

    Raises:
        CannotRetrace: If one is missing.
    """
    if missing := course.identities - bindings.keys():
        raise CannotRetrace(f"{len(missing)} of {len(course.identities)} Bindings are missing, {min(missing)} is one")
    if lost := course.sample_ids - samples.keys():
        raise CannotRetrace(f"{len(lost)} of {len(course.sample_ids)} samples are missing, {min(lost)} is one")
    state = None
    if base := course.base:
        state = LearnerState(base.arrays, base.facts["learner"], base.edges, (), tuple(course.admitted))
    learner = Learner(specs, shared, settings, state=state, samples=samples, ranks=ranks)
    for past in course.pasts:
        n_done = 0
        for n_before, n_steps in past.facts.get("choices", ()):
            _admit(learner, past.admissions[n_done:n_before], bindings, samples)
            n_done = n_before
            for _ in range(n_steps):
                learner.extra_step()
        _admit(learner, past.admissions[n_done:], bindings, samples)
    return learner


def _admit(
    learner: Learner,
    identities: Sequence[Identity],
    bindings: Mapping[Identity, Binding],
    samples: Mapping[str, Sample],
) -> None:
    for identity in identities:
        learner.admit(bindings[identity], samples)


def _is_of(past: Past, n_steps: int, lineage: str) -> bool:
    facts = past.facts
    told = facts.get("progress", {}).get("lineage", "")
    return bool(facts["learner"]["step"]["n_steps"] == n_steps) and (not lineage or told == lineage)
