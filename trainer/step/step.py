"""One training step, and all the state that it moves. Performs no I/O and reads no clock."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from encoders.modality import ModalitySpec
from encoders.nets import Encoder, encoder_weights
from streams.records import Sample
from trainer.settings import TrainerSettings
from trainer.step.augmentation import augment, drop_features, kept_features
from trainer.step.average import WeightAverage
from trainer.step.edges import EdgeBatch, Edges, ItemGraph, edges_of, item_graph
from trainer.step.loss import edge_losses, shares_of
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
    ) -> None:
        self.specs, self.shared, self.settings = dict(sorted(specs.items())), shared, settings
        self._device = torch.device(device)
        self._encoders = nn.ModuleDict(
            {name: _fresh(spec, settings, seed).to(self._device) for name, spec in self.specs.items()}
        )
        self._optimiser = torch.optim.AdamW(
            self._encoders.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self._generator = torch.Generator().manual_seed(seed)
        self._average = WeightAverage(self._encoders, settings.average)
        self._softening = softening_of(shared, settings.softening)
        self.n_steps = 0
        if state is not None:
            self._restore(state)

    def run(self, batch: EdgeBatch) -> StepResult:
        """Moves the encoders once by the batch. Nothing here waits for the device."""
        graph = item_graph(batch)  # 1
        edges = edges_of(graph, self.shared)
        n_natural, n_pseudo = edges.n_natural, len(edges.weights) - edges.n_natural
        if not len(edges.weights):
            return StepResult(torch.tensor(float("nan")), 0, 0)
        loss = self._loss(graph, edges)
        for group in self._optimiser.param_groups:
            group["lr"] = self.settings.learning_rate * min(1.0, (self.n_steps + 1) / WARM_UP_STEPS)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()  # 5
        self._average.update(edges.modalities)  # 6
        self.n_steps += 1
        return StepResult(loss.detach(), n_natural, n_pseudo)

    def _loss(self, graph: ItemGraph, edges: Edges) -> Tensor:
        rows = {name: graph.rows_of(name) for name in {*edges.modalities, self.shared}}
        scaled = {name: _scaled(graph.items, name, own) for name, own in rows.items() if len(own)}
        embedded = torch.cat([self._embed(name, scaled[name]) for name in edges.modalities])
        log_weights = self._softening.log_weights(len(graph.items), rows[self.shared], scaled.get(self.shared))
        between = np.ix_(edges.item, edges.item)
        losses = edge_losses(  # 3
            embedded,
            self._there(edges.modality),
            len(edges.modalities),
            self._there(edges.query),
            self._there(edges.key),
            self._there(graph.related[between]),
            self._there(log_weights[between]),
            self.settings.temperature,
        )
        return (losses * self._there(shares_of(edges.weights))).sum()  # 4

    def _embed(self, modality: str, windows: np.ndarray) -> Tensor:
        settings, encoder = self.settings.augmentation, self._encoder(modality)
        varied = augment(torch.from_numpy(windows), settings, self._generator)
        kept = kept_features(len(windows), encoder.n_features, settings.dropout, self._generator)
        hidden = encoder.hidden(self._sent(varied))
        return encoder.project(drop_features(hidden, self._sent(kept), settings.dropout))

    def _there(self, values: np.ndarray) -> Tensor:
        return self._sent(torch.from_numpy(values))

    def _sent(self, values: Tensor) -> Tensor:
        # From pinned memory: only then the copy waits for no work under way.
        on_cuda = self._device.type == "cuda"
        return values.pin_memory().to(self._device, non_blocking=True) if on_cuda else values.to(self._device)

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
        self._average = WeightAverage(self._encoders, self.settings.average, state.details.get("n_averaged"))
        for modality in state.details.get("n_averaged", {}):  # a release before there was one has none
            names = [name for name, _ in self._encoder(modality).named_parameters()]
            self._average.put(modality, {name: state.arrays[f"average/{modality}/{name}"] for name in names})
        self._generator.set_state(torch.from_numpy(state.arrays["generator"].copy()))
        self._softening = softening_of(self.shared, self.settings.softening, state.details["quantile"])
        self.n_steps = state.details["n_steps"]


def _fresh(spec: ModalitySpec, settings: TrainerSettings, seed: int) -> Encoder:
    # The name is in the seed, so that a modality more leaves the first weights of the others as they were.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed((seed * 2**32 + zlib.crc32(spec.name.encode())) % 2**63)
        return Encoder(spec, settings.dim, settings.width)


def _scaled(items: Sequence[Sample], modality: str, rows: np.ndarray) -> np.ndarray:
    """Their windows in robust units, as `Sample.scaled` has them, all at once."""
    scalings = [items[row].scaling[modality] for row in rows]
    center, scale = (np.stack([getattr(one, name) for one in scalings])[:, None] for name in ("center", "scale"))
    scaled: np.ndarray = (np.stack([items[row].windows[modality] for row in rows]) - center) / scale
    return scaled.astype(np.float32, copy=False)
