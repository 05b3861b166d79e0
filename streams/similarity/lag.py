"""How alike two windows are at the lag that suits them best. Learns nothing, performs no I/O."""

import numpy as np
from jaxtyping import Float, Float32

# A coarse copy of the window decides: with 64 steps the pairs were no better, at four times the cost.
COARSE_STEPS = 32
# Above so many, fixed random mixtures stand for all. Chosen by hand.
COARSE_CHANNELS = 8
# Largest lag as a share of the window: 24 of 120 steps held 79 % pair precision under random crops, none 71 %
# (UTD-MHAD). What lag tolerance is worth in training: `python -m benchmarks.learning --ablation`.
LAG_SHARE = 0.2
# Few enough that their products stay in the cache.
ROWS_AT_ONCE = 256


def coarse(windows: Float[np.ndarray, "n t c"]) -> Float32[np.ndarray, "n small_t small_c"]:
    """Windows `[N, T, C]` at a coarser rate and with few channels, `[N, t, c]` float32, c at most 8, t about 32.

    Many channels are mixed into few by a fixed random projection.
    """
    n_rows, n_steps, n_channels = windows.shape
    width = max(1, round(n_steps / COARSE_STEPS))
    kept = n_steps // width * width
    mixing = np.eye(n_channels)
    if n_channels > COARSE_CHANNELS:
        mixing = np.random.default_rng(0).standard_normal((n_channels, COARSE_CHANNELS)) / np.sqrt(n_channels)
    # Mean and mixture in one product, a window at a time: its bits do not depend on the others.
    pooling = np.tile((mixing / width).astype(np.float32), (width, 1))
    small: np.ndarray = windows[:, :kept].reshape(n_rows, kept // width, width * n_channels) @ pooling
    return small.astype(np.float32, copy=False)


def lag_similarity(small: Float[np.ndarray, "n small_t small_c"]) -> Float32[np.ndarray, "n n"]:
    """Cosine `[N, N]` of `coarse` windows at the lag, up to a fifth of the window, at which it is largest.

    Steps that a shift moves out of the window count as 0. Symmetric; a window of zeros is unlike everything.
    """
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
        for start in range(0, n_rows, ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            np.maximum(best[part], left[part] @ delayed.T, out=best[part])
    return np.maximum(best, best.T)
