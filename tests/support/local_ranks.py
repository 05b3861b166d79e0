"""The other processes of a training, all in this one: what the real ones must agree with to the last bit."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from encoders.modality import ModalitySpec
from trainer.settings import TrainerSettings
from trainer.step.fresh_encoders import fresh_encoders
from trainer.step.ranks import RankFound, RankTask, RankWork, flat, put_flat


class LocalRanks:
    """Work is done when it is asked for."""

    def __init__(self, specs: dict[str, ModalitySpec], shared: str, settings: TrainerSettings, n_others: int = 1):
        self.n_others = n_others
        self._encoders = fresh_encoders(dict(sorted(specs.items())), settings, 0, torch.device("cpu"))
        self._work = RankWork(self._encoders, shared, settings, torch.device("cpu"))
        self.asked: list[RankTask] = []
        self.found: list[tuple[Tensor, RankFound]] = []

    def begin(self, encoders: nn.ModuleDict) -> None:
        self.asked, self.found = [], []
        put_flat(self._encoders, flat(encoders))

    def ask(self, rank: int, task: RankTask) -> None:
        assert rank == len(self.found) + 1
        self.asked.append(task)
        self.found.append(self._work(task))

    def finish(self) -> tuple[Tensor, Sequence[RankFound]]:
        return torch.stack([gradient for gradient, _ in self.found]).sum(0), [found for _, found in self.found]
