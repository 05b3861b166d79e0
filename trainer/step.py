"""One training step, and all the state that it moves. Performs no I/O and reads no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from encoders.modality import ModalitySpec
from streams.records import Sample
from trainer.settings import TrainerSettings


@dataclass(frozen=True, slots=True, eq=False)
class EdgeBatch:
    """Row i pairs `anchors[i]` with `partners[i]`, trusted by `weights[i]`; without a partner only natural edges."""

    anchors: Sequence[Sample]
    partners: Sequence[Sample | None]
    weights: np.ndarray


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one step did; `loss` is NaN when the batch held no edge (nothing moved then)."""

    loss: float
    n_natural_edges: int
    n_pseudo_edges: int


@dataclass(frozen=True, slots=True, eq=False)
class StepState:
    """All that the next step depends on: arrays by name, and what JSON holds exactly."""

    arrays: dict[str, np.ndarray]
    details: dict[str, Any]


class TrainStep:
    """Encoders of all modalities, their optimiser and random state; deterministic in its inputs and seed."""

    def __init__(
        self,
        specs: Mapping[str, ModalitySpec],
        shared: str,
        settings: TrainerSettings,
        seed: int,
        state: StepState | None = None,
        device: str = "cpu",
    ) -> None:
        self.specs, self.shared, self.settings, self.seed = dict(specs), shared, settings, seed
