"""Encoders averaged over the last steps: what is judged and published. Performs no I/O and reads no clock."""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import nn


class WeightAverage:
    """An exponential mean of the weights of each encoder, over the steps in which it moved.

    Where few steps were made fewer are remembered, so that the first weights, which know nothing, are soon gone: after
    step n the share kept is at most that of n + 1 in n + 10. (Polyak and Juditsky, SIAM J. Control Optim. 30(4), 1992.)

    Args:
        encoders: By modality; their weights are the first mean.
        share: Of the mean that a step keeps; 0 gives the last weights.
        counts: How many steps the mean of each modality has in it already.
    """

    def __init__(self, encoders: nn.ModuleDict, share: float, counts: Mapping[str, int] | None = None) -> None:
        self._encoders, self._share = encoders, share
        self._mean = {
            modality: {name: one.detach().clone() for name, one in encoder.named_parameters()}
            for modality, encoder in encoders.items()
        }
        self.counts = {modality: (counts or {}).get(modality, 0) for modality in encoders}

    @torch.no_grad()
    def update(self, modalities: Iterable[str]) -> None:
        """Takes in the present weights of those encoders, which have moved."""
        for modality in modalities:
            self.counts[modality] = n = self.counts[modality] + 1
            new = 1 - min(self._share, (1 + n) / (10 + n))
            mean = self._mean[modality]
            for name, parameter in self._encoders[modality].named_parameters():
                mean[name].lerp_(parameter, new)

    def weights(self) -> dict[str, dict[str, np.ndarray]]:
        """Copies of the means: modality, name, array."""
        return {
            modality: {name: one.cpu().numpy().copy() for name, one in mean.items()}
            for modality, mean in self._mean.items()
        }

    def put(self, modality: str, weights: Mapping[str, np.ndarray]) -> None:
        """Has these weights as the mean of a modality."""
        for name, one in self._mean[modality].items():
            one.copy_(torch.from_numpy(weights[name]))
