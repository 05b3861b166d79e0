"""Which negatives of a batch look alike in the shared modality, and so may be no negatives at all. Performs no I/O."""

import numpy as np
import torch

from streams.labels import LABEL, label_likeness
from streams.similarity.lag import coarse, lag_similarity
from streams.similarity.standard_units import hub_corrected
from trainer.settings import SofteningSettings
from trainer.step.loss import softened_log_weights

# What remains of a negative that has the very label: next to nothing, and finite as a logarithm.
REMAINDER = 1e-6


class Softening:
    """Log-weights of a batch's negatives, with a running quantile that says what "alike" means on these sensors."""

    def __init__(self, settings: SofteningSettings, quantile: float | None = None) -> None:
        self._settings, self.quantile = settings, quantile

    def log_weights(self, n_items: int, rows: np.ndarray, windows: np.ndarray | None) -> np.ndarray:
        """Float32 `[n_items, n_items]`: 0 for a full negative, far below 0 for a look-alike.

        Args:
            n_items: In the batch.
            rows: Which of them have a shared window; nothing is known of the others.
            windows: Their shared windows `[len(rows), T, C]` in robust units, None without any.
        """
        if not self._settings.enabled or windows is None or len(rows) < 3:
            return np.zeros((n_items, n_items), np.float32)
        corrected = 2 * hub_corrected(lag_similarity(coarse(windows)))
        seen = float(np.quantile(corrected[~np.eye(len(rows), dtype=bool)], self._settings.quantile))
        memory = self._settings.memory
        self.quantile = seen if self.quantile is None else memory * self.quantile + (1 - memory) * seen
        known = np.full((n_items, n_items), -np.inf, np.float32)
        known[np.ix_(rows, rows)] = corrected
        return softened_log_weights(torch.from_numpy(known), self.quantile, self._settings.width).numpy()


class LabelSoftening(Softening):
    """The same where labels are shared: what is left of a negative is what its label has not in common."""

    def log_weights(self, n_items: int, rows: np.ndarray, windows: np.ndarray | None) -> np.ndarray:
        """Float32 `[n_items, n_items]`: about 0 for an unlike label, far below 0 for the very same."""
        weights = np.zeros((n_items, n_items), np.float32)
        if self._settings.enabled and windows is not None:
            weights[np.ix_(rows, rows)] = np.log(np.maximum(1 - label_likeness(windows), REMAINDER))
        return weights


def softening_of(shared: str, settings: SofteningSettings, quantile: float | None = None) -> Softening:
    """The softening that suits the shared modality: by likeness of windows, or of labels.

    Args:
        shared: The shared modality's name.
        settings: Of the softening.
        quantile: To go on from, as its own `quantile` had become.
    """
    return (LabelSoftening if shared == LABEL else Softening)(settings, quantile)
