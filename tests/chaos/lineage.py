"""What the trainer's checkpoints must be: a function of the log, with nothing taken twice and nothing left out."""

import numpy as np

from deploy.settings.config import Settings
from streams.records import Binding
from tests.chaos.reading import Reading
from trainer.checkpoints.checkpoint import CheckpointFolder
from trainer.checkpoints.progress import Progress
from trainer.learner import Learner
from trainer.state import STEP


class Lineage:
    """The checkpoints up to the newest one, beside the Bindings that it has read."""

    def __init__(self, folder: CheckpointFolder, reading: Reading) -> None:
        found = folder.latest()
        assert found is not None, "no checkpoint was written"
        self._folder, self._checkpoint = folder, found
        self._admitted = folder.admitted(found.number)
        self._reading = reading
        upto = Progress.from_facts(found.facts["progress"]).next_pairs
        self._read: list[Binding] = [one for m, one in reading.bindings if m.offset < upto.get(m.partition, 0)]

    @property
    def n_twice(self) -> int:
        """Bindings that were admitted more than once."""
        return len(self._admitted) - len(set(self._admitted))

    @property
    def n_left_out(self) -> int:
        """First Bindings that were read and not admitted, though nobody held their samples out."""
        wanted = {(one.sample_id, one.round) for one in self._read if not one.round and one.outcome != "held-out"}
        return len(wanted - set(self._admitted))

    def differs_from_retraining(self, settings: Settings) -> str:
        """Which weights are others than the same log gives without a crash; empty where none is, to the last bit.

        After how many Bindings how many steps were taken stands in each checkpoint.
        """
        learner = Learner(settings.specs, settings.shared_modality, settings.trainer)
        bindings = {(one.sample_id, one.round): one for _, one in reversed(self._reading.bindings)}
        for _, _, facts, admissions in self._folder.history(self._checkpoint.number):
            waiting = [bindings[identity] for identity in admissions]
            for at, n_steps in (*facts["choices"], (len(admissions), 0)):
                n_done = len(admissions) - len(waiting)
                for binding in waiting[: at - n_done]:
                    learner.admit(binding, self._reading.sample_by_id)
                waiting = waiting[at - n_done :]
                for _ in range(n_steps):
                    learner.extra_step()
        again = learner.snapshot().arrays
        unlike = [
            name
            for name, value in self._checkpoint.arrays.items()
            if name.startswith(STEP) and not np.array_equal(value, again[name])
        ]
        return f"{len(unlike)} arrays of checkpoint {self._checkpoint.number} differ: {unlike[:3]}" if unlike else ""


def forked(reading: Reading) -> list[str]:
    """Versions whose parent is not the one before them: two lineages took turns."""
    versions = sorted(reading.models.manifests)
    return [
        f"version {version} has parent {reading.models.manifests[version].parent}, wanted {before}"
        for before, version in zip([0, *versions], versions, strict=False)
        if reading.models.manifests[version].parent != before
    ]
