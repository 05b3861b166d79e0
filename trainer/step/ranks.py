"""One step shared by several processes: a batch each, and their gradients averaged. Performs no I/O itself.

All that is to be kept is in rank 0, which draws the batches. The others have no state: from weights, a batch and a seed
they make a gradient, which is the same whoever makes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from trainer.settings import TrainerSettings
from trainer.step.batch_loss import BatchLoss
from trainer.step.packed import PackedBatch
from trainer.step.softening import softening_of


@dataclass(frozen=True, slots=True, eq=False)
class RankTask:
    """What one process is asked: the gradient of a batch, its negatives softened from `quantile` on."""

    batch: PackedBatch
    quantile: float | None
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class RankFound:
    """Of one batch: its loss and edges; no edges, no loss and a gradient of 0."""

    loss: float
    n_natural_edges: int
    n_pseudo_edges: int
    modalities: tuple[str, ...]

    @property
    def counts(self) -> bool:
        """Whether there was an edge."""
        return bool(self.n_natural_edges + self.n_pseudo_edges)


class OtherRanks(Protocol):
    """The other processes, as rank 0 sees them."""

    @property
    def n_others(self) -> int:
        """How many there are."""
        ...

    def begin(self, encoders: nn.ModuleDict) -> None:
        """Tells them the present weights; each is then to be asked once."""
        ...

    def ask(self, rank: int, task: RankTask) -> None:
        """Has that one work at its task."""
        ...

    def finish(self) -> tuple[Tensor, Sequence[RankFound]]:
        """The sum of their gradients, in the order of `flat`, and what each found.

        Raises:
            RankLost: If one of them is gone.
        """
        ...


class RankWork:
    """Gradients by encoders that are given each time.

    Args:
        encoders: By modality; their weights are set from outside.
        shared: The modality that binds.
        settings: Of the trainer.
        device: Where the encoders are.
    """

    def __init__(self, encoders: nn.ModuleDict, shared: str, settings: TrainerSettings, device: torch.device) -> None:
        self._encoders, self._shared, self._settings = encoders, shared, settings
        self._loss = BatchLoss(encoders, shared, settings, device)

    def __call__(self, task: RankTask) -> tuple[Tensor, RankFound]:
        """The gradient, in the order of `flat`, and what else there is to say."""
        edges = task.batch.edges
        self._encoders.zero_grad(set_to_none=True)
        loss = torch.tensor(float("nan"))
        if len(edges.weights):
            softening = softening_of(self._shared, self._settings.softening, task.quantile)
            loss = self._loss(self._loss.varied(task.batch, softening, torch.Generator().manual_seed(task.seed)))
            loss.backward()  # type: ignore[no-untyped-call]
        found = RankFound(float(loss.detach()), edges.n_natural, task.batch.n_pseudo, edges.modalities)
        return flat_gradient(self._encoders), found


def flat(encoders: nn.ModuleDict) -> Tensor:
    """All weights one after the other, on the CPU."""
    return parameters_to_vector(encoders.parameters()).detach().cpu()


def put_flat(encoders: nn.ModuleDict, weights: Tensor) -> None:
    """Has the encoders these weights, in the order of `flat`."""
    start = 0
    for one in encoders.parameters():
        one.data.copy_(weights[start : start + one.numel()].view(one.shape))
        start += one.numel()


def flat_gradient(encoders: nn.ModuleDict) -> Tensor:
    """The gradients in the same order, 0 where there is none."""
    parts = [torch.zeros_like(one) if one.grad is None else one.grad for one in encoders.parameters()]
    return torch.cat([one.detach().flatten() for one in parts]).cpu()


def average_gradients(encoders: nn.ModuleDict, more: Tensor, n_batches: int, modalities: Sequence[str]) -> None:
    """Has each encoder of `modalities` the mean gradient of so many batches: its own and `more`, which is a sum."""
    start = 0
    for modality, encoder in encoders.items():
        for one in encoder.parameters():
            part = more[start : start + one.numel()].view(one.shape).to(one.device)
            start += one.numel()
            if modality in modalities:
                one.grad = (part if one.grad is None else one.grad + part) / n_batches


def seed_of(seed: int, n_steps: int, rank: int) -> int:
    """Of the variations of one process in one step."""
    return int(np.random.SeedSequence([seed, n_steps, rank]).generate_state(1, np.uint64)[0] >> 1)
