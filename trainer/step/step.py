"""One training step, and all the state that it moves. Performs no I/O and reads no clock."""

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from encoders.modality import ModalitySpec
from encoders.nets import Encoder, encoder_weights
from trainer.settings import TrainerSettings
from trainer.step.average import WeightAverage
from trainer.step.batch_loss import BatchLoss, VariedBatch
from trainer.step.edges import EdgeBatch
from trainer.step.fresh_encoders import fresh_encoders
from trainer.step.packed import pack
from trainer.step.ranks import OtherRanks, RankFound, RankTask, average_gradients, seed_of
from trainer.step.softening import softening_of

# Steps over which the learning rate rises to its value; from then on it is steady, since a stream has no end.
# Chosen by hand.
WARM_UP_STEPS = 20
MOMENTS = ("exp_avg", "exp_avg_sq", "step")

__all__ = ["EdgeBatch", "StepResult", "StepState", "TrainStep"]


@dataclass(frozen=True, slots=True, eq=False)
class StepResult:
    """What one step did: the edges that it saw, none when the batch held none (nothing moved then)."""

    loss_there: Tensor
    n_natural_edges: int
    n_pseudo_edges: int

    @property
    def loss(self) -> float:
        """NaN without edges. Waits for the device, so ask for it when all steps are under way."""
        return float(self.loss_there)


@dataclass(frozen=True, slots=True, eq=False)
class StepState:
    """All that the next step depends on: arrays by name, and what JSON holds exactly."""

    arrays: dict[str, np.ndarray]
    details: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """What is drawn and needs no weights: for the other processes, and of this one."""

    own: VariedBatch
    tasks: Sequence[RankTask]


class TrainStep:
    """Encoders of all modalities, their optimiser and random state; deterministic in its inputs and seed.

    A step: 1. each sample of the batch once; 2. its windows varied and embedded, a modality at a time; 3. the losses
    of all edges between two modalities; 4. their weighted mean; 5. one move of AdamW; 6. the mean follows. A
    modality that is not in the batch does not move.

    Args:
        specs: Modalities by name.
        shared: The modality that binds.
        settings: Of the trainer.
        seed: Of the first weights and of the variations.
        state: To go on from, as `state()` gave it; a modality that it lacks starts fresh.
        device: Torch's name of it.
        ranks: Other processes that work at batches of the same step.

    Raises:
        ValueError: If `state` holds a modality that `specs` lacks, or weights of another shape.
    """

    def __init__(
        self,
        specs: Mapping[str, ModalitySpec],
        shared: str,
        settings: TrainerSettings,
        seed: int,
        state: StepState | None = None,
        device: str = "cpu",
        ranks: OtherRanks | None = None,
    ) -> None:
        self.specs, self.shared, self.settings = dict(sorted(specs.items())), shared, settings
        self._device, self._ranks, self._seed = torch.device(device), ranks, seed
        self._encoders = fresh_encoders(self.specs, settings, seed, self._device)
        self._loss = BatchLoss(self._encoders, shared, settings, self._device)
        self._optimiser = torch.optim.AdamW(
            self._encoders.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self._generator = torch.Generator().manual_seed(seed)
        self.n_batches, self.n_steps, self._n_prepared = 1 + (ranks.n_others if ranks else 0), 0, 0
        # Of n batches there is one step where one process takes n: it goes n times as far (linear scaling,
        # arXiv 1706.02677), and as much of the mean is of the same samples.
        self._rate, self._kept = settings.learning_rate * self.n_batches, settings.average**self.n_batches
        self._average = WeightAverage(self._encoders, self._kept)
        self._softening = softening_of(shared, settings.softening)
        if state is not None:
            self._restore(state)

    def run(self, batch: EdgeBatch) -> StepResult:
        """Moves the encoders once by the batch, on this process alone."""
        (result,) = self.steps(lambda: batch, 1)
        return result

    def steps(self, draw: Callable[[], EdgeBatch], n_steps: int) -> Generator[StepResult]:
        """Moves the encoders so many times by the mean gradient of a batch for each process, this one's drawn last.

        What needs no weights of a step is done beside the one before it, in a thread: by then `draw` must give what it
        would give later. The bits are the same. Nothing here waits for the device.

        Raises:
            RankLost: If one of the other processes is gone.
        """
        with ThreadPoolExecutor(1, "batches", torch.set_num_threads, (1,)) as thread:
            coming = thread.submit(self._prepare, draw)
            for n_left in range(n_steps, 0, -1):
                ready = coming.result()
                if ready.tasks:
                    self._ask_others(ready.tasks)
                edges = ready.own.batch.edges
                loss = self._loss(ready.own) if len(edges.weights) else torch.tensor(float("nan"))  # 2, 3, 4
                if n_left > 1:
                    # Not before: what follows gives way to other threads, much of what comes before does not.
                    coming = thread.submit(self._prepare, draw)
                self._optimiser.zero_grad(set_to_none=True)
                if len(edges.weights):
                    loss.backward()  # type: ignore[no-untyped-call]
                yield self._moved(ready, loss.detach())

    def _prepare(self, draw: Callable[[], EdgeBatch]) -> _Ready:
        self._n_prepared += 1
        tasks = []
        for rank in range(1, self.n_batches):
            seed = seed_of(self._seed, self._n_prepared, rank)
            tasks.append(RankTask(pack(draw(), self.shared), self._softening.quantile, seed))
        own = self._loss.varied(pack(draw(), self.shared), self._softening, self._generator)  # 1, 2
        return _Ready(own, tasks)

    def _ask_others(self, tasks: Sequence[RankTask]) -> None:
        assert self._ranks is not None
        self._ranks.begin(self._encoders)
        for rank, task in enumerate(tasks, 1):
            self._ranks.ask(rank, task)

    def _moved(self, ready: _Ready, loss: Tensor) -> StepResult:
        edges, n_pseudo = ready.own.batch.edges, ready.own.batch.n_pseudo
        if self._ranks is None:
            return self._move(edges.modalities, loss, edges.n_natural, n_pseudo)
        gradient, found = self._ranks.finish()
        own = RankFound(float(loss), edges.n_natural, n_pseudo, edges.modalities)
        seen = [one for one in (own, *found) if one.counts]
        modalities = sorted({name for one in seen for name in one.modalities})
        average_gradients(self._encoders, gradient, len(seen), modalities)
        loss = torch.tensor(sum(one.loss for one in seen) / len(seen) if seen else float("nan"))
        n_natural, n_pseudo = sum(one.n_natural_edges for one in seen), sum(one.n_pseudo_edges for one in seen)
        return self._move(modalities, loss, n_natural, n_pseudo)

    def _move(self, modalities: Sequence[str], loss: Tensor, n_natural: int, n_pseudo: int) -> StepResult:
        if n_natural + n_pseudo:
            for group in self._optimiser.param_groups:
                group["lr"] = self._rate * min(1.0, (self.n_steps + 1) / WARM_UP_STEPS)
            self._optimiser.step()  # 5
            self._average.update(modalities)  # 6
            self.n_steps += 1
        return StepResult(loss, n_natural, n_pseudo)

    def weights(self) -> dict[str, dict[str, np.ndarray]]:
        """Copies of all encoders' arrays as the last step left them: modality, name, array."""
        return {name: encoder_weights(self._encoder(name)) for name in self.specs}

    def averaged_weights(self) -> dict[str, dict[str, np.ndarray]]:
        """The same, averaged over the last steps: these are for use, the others for going on."""
        return self._average.weights()

    def go_back(self, weights: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        """Goes on from these encoders, of which `weights()` gave the arrays, without the optimiser's moments."""
        for modality, arrays in weights.items():
            for name, parameter in self._encoder(modality).named_parameters():
                parameter.data.copy_(torch.from_numpy(arrays[name]))
                self._optimiser.state.pop(parameter, None)
            self._average.put(modality, arrays)

    def _encoder(self, name: str) -> Encoder:
        encoder = self._encoders[name]
        assert isinstance(encoder, Encoder)
        return encoder

    def state(self) -> StepState:
        """A copy of all that the next step depends on; a step restored from it goes on bit by bit alike."""
        arrays = {"generator": self._generator.get_state().numpy().copy()}
        for modality, weights in self.weights().items():
            arrays |= {f"weights/{modality}/{name}": value for name, value in weights.items()}
            for name, parameter in self._encoder(modality).named_parameters():
                for moment, value in self._optimiser.state.get(parameter, {}).items():
                    arrays[f"{moment}/{modality}/{name}"] = value.detach().cpu().numpy().copy()
        for modality, weights in self.averaged_weights().items():
            arrays |= {f"average/{modality}/{name}": value for name, value in weights.items()}
        details = {
            "n_steps": self.n_steps,
            "n_prepared": self._n_prepared,
            "n_averaged": self._average.counts,
            "quantile": self._softening.quantile,
            "modalities": list(self.specs),
        }
        return StepState(arrays, details)

    def _restore(self, state: StepState) -> None:
        if unknown := set(state.details["modalities"]) - set(self.specs):
            raise ValueError(f"the state holds modalities {sorted(unknown)}, the settings have {list(self.specs)}")
        for modality in state.details["modalities"]:
            for name, parameter in self._encoder(modality).named_parameters():
                saved = state.arrays[f"weights/{modality}/{name}"]
                if saved.shape != tuple(parameter.shape):
                    raise ValueError(f"{modality}/{name} of shape {saved.shape}, wanted {tuple(parameter.shape)}")
                parameter.data.copy_(torch.from_numpy(saved))
                if f"step/{modality}/{name}" in state.arrays:
                    moments = {kind: state.arrays[f"{kind}/{modality}/{name}"] for kind in MOMENTS}
                    self._optimiser.state[parameter] = {
                        kind: torch.from_numpy(value.copy()).to(self._device) for kind, value in moments.items()
                    }
        self._average = WeightAverage(self._encoders, self._kept, state.details.get("n_averaged"))
        for modality in state.details.get("n_averaged", {}):  # a release before there was one has none
            names = [name for name, _ in self._encoder(modality).named_parameters()]
            self._average.put(modality, {name: state.arrays[f"average/{modality}/{name}"] for name in names})
        self._generator.set_state(torch.from_numpy(state.arrays["generator"].copy()))
        self._softening = softening_of(self.shared, self.settings.softening, state.details["quantile"])
        self.n_steps = state.details["n_steps"]
        self._n_prepared = state.details.get("n_prepared", self.n_steps)
