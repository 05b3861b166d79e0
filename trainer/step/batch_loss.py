"""The loss of one batch: its windows varied and embedded, and the losses of all its edges. Performs no I/O."""

import numpy as np
import torch
from torch import Tensor, nn

from encoders.nets import Encoder
from trainer.settings import TrainerSettings
from trainer.step.augmentation import augment, drop_features, kept_features
from trainer.step.loss import edge_losses, shares_of
from trainer.step.packed import PackedBatch
from trainer.step.softening import Softening


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

    def __call__(self, batch: PackedBatch, softening: Softening, generator: torch.Generator) -> Tensor:
        """The weighted mean of its edges' losses: 1. all windows, a modality at a time; 2. the edges between them.

        Args:
            batch: With an edge at least.
            softening: Of its negatives; moves on.
            generator: Of the variations; moves on.

        Raises:
            ValueError: If no edge has a weight.
        """
        edges = batch.edges
        embedded = torch.cat([self._embed(name, batch.windows[name], generator) for name in edges.modalities])  # 1
        shared = batch.rows[self._shared], batch.windows.get(self._shared)
        log_weights = softening.log_weights(batch.n_items, *shared)
        between = np.ix_(edges.item, edges.item)
        losses = edge_losses(  # 2
            embedded,
            self._there(edges.modality),
            len(edges.modalities),
            self._there(edges.query),
            self._there(edges.key),
            self._there(batch.related[between]),
            self._there(log_weights[between]),
            self._settings.temperature,
        )
        return (losses * self._there(shares_of(edges.weights))).sum()

    def _embed(self, modality: str, windows: np.ndarray, generator: torch.Generator) -> Tensor:
        settings, encoder = self._settings.augmentation, self._encoders[modality]
        assert isinstance(encoder, Encoder)
        varied = augment(torch.from_numpy(windows), settings, generator)
        kept = kept_features(len(windows), encoder.n_features, settings.dropout, generator)
        hidden = encoder.hidden(self._sent(varied))
        return encoder.project(drop_features(hidden, self._sent(kept), settings.dropout))

    def _there(self, values: np.ndarray) -> Tensor:
        return self._sent(torch.from_numpy(values))

    def _sent(self, values: Tensor) -> Tensor:
        # From pinned memory: only then the copy waits for no work under way.
        on_cuda = self._device.type == "cuda"
        return values.pin_memory().to(self._device, non_blocking=True) if on_cuda else values.to(self._device)
