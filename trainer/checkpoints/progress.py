"""How far training is in the log, and how it is saved and taken up again with the learner. Touches no network."""

import uuid
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from encoders.modality import ModalitySpec
from streams.records import Sample
from trainer.checkpoints.checkpoint import Checkpoint, CheckpointError, CheckpointFolder
from trainer.learner import Learner
from trainer.settings import TrainerSettings
from trainer.state import LearnerState
from trainer.step.ranks import OtherRanks


@dataclass(frozen=True, slots=True)
class Progress:
    """Offsets by partition: the first Binding read, the next one to read, the first sample needed again.

    `parent_version` is the last version that was announced, `lineage` what all trainings are called that go on from one
    another's checkpoints.
    """

    first_pairs: Mapping[int, int] = field(default_factory=dict)
    next_pairs: Mapping[int, int] = field(default_factory=dict)
    first_samples: Mapping[int, int] = field(default_factory=dict)
    parent_version: int = 0
    lineage: str = field(default_factory=lambda: uuid.uuid4().hex)

    def facts(self) -> dict[str, Any]:
        """The same in what JSON can hold."""
        offsets = {"first_pairs": self.first_pairs, "next_pairs": self.next_pairs, "first_samples": self.first_samples}
        return {
            name: {str(partition): offset for partition, offset in sorted(found.items())}
            for name, found in offsets.items()
        } | {"parent_version": self.parent_version, "lineage": self.lineage}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Progress":
        """The progress whose `facts` these are."""
        first_pairs, next_pairs, first_samples = (
            {int(partition): int(offset) for partition, offset in facts[name].items()}
            for name in ("first_pairs", "next_pairs", "first_samples")
        )
        progress = cls(first_pairs, next_pairs, first_samples, int(facts["parent_version"]))
        # Version 0.1.0 had no lineages, and neither have the models that it published: a new one may follow on them.
        return replace(progress, lineage=facts["lineage"]) if "lineage" in facts else progress


def save(folder: CheckpointFolder, learner: Learner, progress: Progress, parent: int) -> int:
    """Writes a checkpoint whose parent is that number; its own number.

    Raises:
        OSError: If it cannot be written; the learner then counts its admissions on to the next one.
    """
    state = learner.snapshot()
    told = {"shared": learner.shared, "choices": state.choices}
    facts = {"learner": dict(state.facts), "progress": progress.facts()} | told
    saved = folder.save(Checkpoint(state.arrays, facts, state.edges, state.admissions, parent))
    learner.saved()
    return saved.number


@dataclass(frozen=True, slots=True, eq=False)
class Resumption:
    """A checkpoint to go on from, before its samples are looked up."""

    number: int
    state: LearnerState
    progress: Progress
    shared: str

    @property
    def sample_ids(self) -> set[str]:
        """Of all samples that the learner held."""
        return {entry.sample_id for entry in self.state.edges} | set(self.state.facts["held_out"])

    def learner(
        self,
        specs: Mapping[str, ModalitySpec],
        shared: str,
        settings: TrainerSettings,
        samples: Mapping[str, Sample],
        device: str,
        forgotten: Container[str] = frozenset(),
        ranks: OtherRanks | None = None,
    ) -> Learner:
        """The learner as it was.

        Raises:
            CheckpointError: If it was saved with other modalities or sizes than the settings have.
        """
        fault = "" if shared == self.shared else f"its shared modality is {self.shared!r}, the settings' {shared!r}"
        try:
            if not fault:
                return Learner(
                    specs,
                    shared,
                    settings,
                    state=self.state,
                    samples=samples,
                    device=device,
                    forgotten=forgotten,
                    ranks=ranks,
                )
        except ValueError as error:
            fault = str(error)
        raise CheckpointError(
            f"checkpoint {self.number} does not fit the settings: {fault}; "
            "set the settings back, or move the checkpoints away to train anew from the log"
        )


def resumption(folder: CheckpointFolder) -> Resumption | None:
    """What the newest whole checkpoint says; None if there never was one.

    Raises:
        CheckpointError: If there are checkpoints and none of them is whole.
    """
    found = folder.latest()
    if found is None:
        return None
    admitted = tuple(folder.admitted(found.number))
    state = LearnerState(found.arrays, found.facts["learner"], found.edges, (), admitted)
    return Resumption(found.number, state, Progress.from_facts(found.facts["progress"]), found.facts["shared"])
