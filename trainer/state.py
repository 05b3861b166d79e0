"""What a learner is made of again. Performs no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from trainer.cycles import Choice
from trainer.replay.buffer import Identity, ReplayEntry, ReplayState
from trainer.step.step import StepState

Weights: TypeAlias = Mapping[str, Mapping[str, np.ndarray]]

STEP, BEST = "step/", "best/"


@dataclass(frozen=True, slots=True)
class CycleReport:
    """One cycle: its number, counted from 1, the steps so far, and the loss of each of its steps."""

    cycle: int
    n_steps: int
    losses: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LearnerState:
    """All that training goes on from but the samples' windows, in parts that files can hold.

    `arrays` are numpy's, `facts` what JSON holds exactly, `edges` the replay buffer's, `admissions` the Bindings
    admitted since the last `Learner.saved()`, `admitted` all that are remembered, oldest first. `choices` say after how
    many of the `admissions` how many steps were taken.
    """

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]
    edges: tuple[ReplayEntry, ...]
    admissions: tuple[Identity, ...]
    admitted: tuple[Identity, ...]
    choices: tuple[Choice, ...] = ()

    @property
    def step(self) -> StepState:
        """The part that the training step goes on from."""
        names = [name for name in self.arrays if name.startswith(STEP)]
        return StepState({name.removeprefix(STEP): self.arrays[name] for name in names}, self.facts["step"])

    @property
    def replay(self) -> ReplayState:
        """The part that the replay buffer goes on from."""
        return ReplayState(self.edges, self.admitted, self.facts["random"])

    @property
    def best(self) -> Weights:
        """The encoders of the best version so far."""
        nested: dict[str, dict[str, np.ndarray]] = {}
        for name, value in self.arrays.items():
            if name.startswith(BEST):
                modality, _, rest = name.removeprefix(BEST).partition("/")
                nested.setdefault(modality, {})[rest] = value
        return nested


def joined_arrays(step: StepState, best: Weights) -> dict[str, np.ndarray]:
    """The arrays of a LearnerState."""
    arrays = {f"{STEP}{name}": value for name, value in step.arrays.items()}
    for modality, weights in best.items():
        arrays |= {f"{BEST}{modality}/{name}": value for name, value in weights.items()}
    return arrays
