"""The loss of one batch: its windows varied and embedded, and the losses of all its edges. Performs no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from encoders.nets import Encoder
from trainer.settings import TrainerSettings
from trainer.step.augmentation import augment, drop_features, kept_features
from trainer.step.loss import edge_losses, shares_of
from trainer.step.packed import PackedBatch
from trainer.step.softening import Softening


@dataclass(frozen=True, slots=True, eq=False)
class VariedBatch:
    """A batch, ready to be learned from: all that is random, or depends on what came before, is settled.

    `windows[name]` are varied ones of the modalities that have an edge; `kept[name]` says which features of each stay;
    `log_weights[i, j]` softens item j as a negative of item i.
    """

    batch: PackedBatch
    windows: Mapping[str, Tensor]
    kept: Mapping[str, Tensor]
    log_weights: np.ndarray


class BatchLoss:
    """Losses by the encoders as they are; nothing here waits for the device.

    Args:
        encoders: By modality.
        shared: The modality that binds.
        settings: Of the trainer.
        device: Where the encoders are.
    """

    def __init__(self, encoders: nn.ModuleDict, shared: str, settings: TrainerSettings, device: torch.device) -> None:
        self._encoders, self._shared, self._settings, self._device = encoders, shared, settings, device

    def varied(self, batch: PackedBatch, softening: Softening, generator: torch.Generator) -> VariedBatch:
        """The batch with its windows varied and its negatives softened; needs no weights.

        Args:
            batch: With edges or without.
            softening: Of its negatives; moves on where there are edges.
            generator: Of the variations; moves on.
        """
        windows, kept, n = {}, {}, batch.n_items
        for name in batch.edges.modalities:
            given = torch.from_numpy(batch.windows[name])
            windows[name] = augment(given, self._settings.augmentation, generator)
            n_features = self._encoder(name).n_features
            kept[name] = kept_features(len(given), n_features, self._settings.augmentation.dropout, generator)
        if not windows:
            return VariedBatch(batch, {}, {}, np.zeros((n, n), np.float32))
        shared = batch.rows[self._shared], batch.windows.get(self._shared)
        return VariedBatch(batch, windows, kept, softening.log_weights(n, *shared))

    def __call__(self, varied: VariedBatch) -> Tensor:
        """The weighted mean of its edges' losses: 1. all windows, a modality at a time; 2. the edges between them.

        Raises:
            ValueError: If no edge has a weight.
        """
        edges = varied.batch.edges
        embedded = torch.cat([self._embed(name, varied) for name in edges.modalities])  # 1
        between = np.ix_(edges.item, edges.item)
        losses = edge_losses(  # 2
            embedded,
            self._there(edges.modality),
            len(edges.modalities),
            self._there(edges.query),
            self._there(edges.key),
            self._there(varied.batch.related[between]),
            self._there(varied.log_weights[between]),
            self._settings.temperature,
        )
        return (losses * self._there(shares_of(edges.weights))).sum()

    def _embed(self, modality: str, varied: VariedBatch) -> Tensor:
        encoder = self._encoder(modality)
        hidden = encoder.hidden(self._sent(varied.windows[modality]))
        dropout = self._settings.augmentation.dropout
        return encoder.project(drop_features(hidden, self._sent(varied.kept[modality]), dropout))

    def _encoder(self, modality: str) -> Encoder:
        encoder = self._encoders[modality]
        assert isinstance(encoder, Encoder)
        return encoder

    def _there(self, values: np.ndarray) -> Tensor:
        return self._sent(torch.from_numpy(values))

    def _sent(self, values: Tensor) -> Tensor:
        # From pinned memory: only then the copy waits for no work under way.
        on_cuda = self._device.type == "cuda"
        return values.pin_memory().to(self._device, non_blocking=True) if on_cuda else values.to(self._device)
