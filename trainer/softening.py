"""Which negatives of a batch look alike in the shared modality, and so may be no negatives at all. Performs no I/O."""

import numpy as np
import torch

from trainer.loss import softened_log_weights
from trainer.settings import SofteningSettings

# A coarse copy of the window decides: lags and products of all pairs then cost a few milliseconds.
COARSE_STEPS = 64
COARSE_CHANNELS = 8
# Largest lag as a share of the window (24 of 120 steps, METHOD's figure, holds 79 % precision under random crops).
LAG_SHARE = 0.2
# Neighbours that make up an item's mean similarity in the hub correction.
NEIGHBOURS = 10


def coarse(windows: np.ndarray) -> np.ndarray:
    """Windows `[N, T, C]` at a coarser rate and with few channels, `[N, t, c]` float32, c at most 8, t about 64.

    Many channels are mixed into few by a fixed random projection.
    """
    n_rows, n_steps, n_channels = windows.shape
    width = max(1, round(n_steps / COARSE_STEPS))
    kept = n_steps // width * width
    pooled = windows[:, :kept].reshape(n_rows, kept // width, width, n_channels).mean(2)
    if n_channels > COARSE_CHANNELS:
        mixing = np.random.default_rng(0).standard_normal((n_channels, COARSE_CHANNELS))
        pooled = pooled @ (mixing / np.sqrt(n_channels))
    small: np.ndarray = pooled.astype(np.float32, copy=False)
    return small


def lag_similarity(windows: np.ndarray) -> np.ndarray:
    """Cosine `[N, N]` of windows `[N, T, C]` at the lag, up to a fifth of the window, at which it is largest.

    Steps that a shift moves out of the window count as 0. Symmetric; a window of zeros is unlike everything.
    """
    small = coarse(windows)
    n_rows, n_steps, n_channels = small.shape
    norms = np.linalg.norm(small.reshape(n_rows, -1), axis=1)
    small = small / np.maximum(norms, 1e-6)[:, None, None]
    furthest = int(LAG_SHARE * n_steps)
    padded = np.zeros((n_rows, furthest + n_steps, n_channels), np.float32)
    padded[:, furthest:] = small
    left = small.reshape(n_rows, -1)
    best = np.full((n_rows, n_rows), -1.0, np.float32)
    for lag in range(furthest + 1):
        delayed = padded[:, furthest - lag : furthest - lag + n_steps].reshape(n_rows, -1)
        np.maximum(best, left @ delayed.T, out=best)
    return np.maximum(best, best.T)


def hub_corrected(similarities: np.ndarray) -> np.ndarray:
    """Twice the similarities `[N, N]`, less both items' mean similarity to their own nearest (CSLS).

    Source: Conneau et al., arXiv 1710.04087.
    """
    n_rows = len(similarities)
    others = similarities.copy()
    np.fill_diagonal(others, -np.inf)
    nearest = min(NEIGHBOURS, n_rows - 1)
    means = np.partition(others, n_rows - nearest, axis=1)[:, n_rows - nearest :].mean(1)
    corrected: np.ndarray = 2 * similarities - means[:, None] - means[None, :]
    return corrected


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
        corrected = hub_corrected(lag_similarity(windows))
        seen = float(np.quantile(corrected[~np.eye(len(rows), dtype=bool)], self._settings.quantile))
        memory = self._settings.memory
        self.quantile = seen if self.quantile is None else memory * self.quantile + (1 - memory) * seen
        known = np.full((n_items, n_items), -np.inf, np.float32)
        known[np.ix_(rows, rows)] = corrected
        return softened_log_weights(torch.from_numpy(known), self.quantile, self._settings.width).numpy()
