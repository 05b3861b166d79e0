"""Per-source robust scaling. Performs no I/O and reads no clock."""

from statistics import NormalDist

import msgspec
import numpy as np

# The interquartile range of a normal distribution in units of its standard deviation.
IQR_OF_NORMAL = 1.349
# What stands for the past of a source: so many quantiles, at these shares; of a normal distribution they are these.
N_QUANTILES = 64
SHARES = (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES
NORMAL_QUANTILES = np.array([NormalDist().inv_cdf(float(share)) for share in SHARES])
# Windows are taken in a lot at a time, of each so many steps: so many, or a share of those that were taken in before.
LOT_WINDOWS, LOT_STEPS, LOTS = 8, 20, 8
# Windows that the past of a source counts at most.
MEMORY = 512
# Units of scale from the centre at which a window is, in the mean of its steps, of another kind than those before it.
FAR_OUT = 8.0


class Scaling(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Median and robust spread of one source's modality: `center` and `scale` are `[C]` float32.

    `n_windows` says from how many windows it was estimated, or how many the past of a source counts.
    """

    center: np.ndarray
    scale: np.ndarray
    n_windows: int

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Values `[..., T, C]` in the source's robust units, float32."""
        scaled: np.ndarray = (values - self.center) / self.scale
        return scaled.astype(np.float32, copy=False)


def fit_scaling(windows: np.ndarray) -> Scaling:
    """The scaling of windows `[N, T, C]`: median, and IQR / 1.349 with a floor that keeps a dead channel finite.

    Raises:
        ValueError: If `windows` is empty or not three-dimensional.
    """
    if windows.ndim != 3 or not windows.size:
        raise ValueError(f"windows of shape {windows.shape}: wanted [N, T, C], none of them 0")
    flat = windows.reshape(-1, windows.shape[2])
    low, center, high = np.quantile(flat, (0.25, 0.5, 0.75), axis=0)
    return _scaling(low, center, high, len(windows))


def _scaling(low: np.ndarray, center: np.ndarray, high: np.ndarray, n_windows: int) -> Scaling:
    spread = (high - low) / IQR_OF_NORMAL
    # A channel that hardly moves must not be blown up to the size of the others.
    floor = max(0.05 * float(spread.max()), 1e-6)
    return Scaling(
        center=center.astype(np.float32), scale=np.maximum(spread, floor).astype(np.float32), n_windows=n_windows
    )


class RobustScaler:
    """The scaling of one source and modality: exact over its first windows, and following its data from then on.

    After `n_fit` windows a few quantiles stand for all that came before, and lots of new windows, some steps of each,
    move them; at most `MEMORY` windows count, so that what changed long ago is forgotten. A window that lies far
    outside, as the first of a sensor that lay still before, halves what all before it count: after some of them the
    scaling is that of movement.

    Args:
        n_fit: So many windows are held as they are.
        known: The scaling of an earlier life, to go on from; one of fewer than `n_fit` windows counts for nothing.

    Raises:
        ValueError: If `n_fit` is below 1.
    """

    def __init__(self, n_fit: int, known: Scaling | None = None) -> None:
        if n_fit < 1:
            raise ValueError(f"n_fit is {n_fit}, wanted at least 1")
        self._n_fit = n_fit
        self._windows: list[np.ndarray] = []
        self._quantiles: np.ndarray | None = None
        self._scaling: Scaling | None = None
        if known is not None and known.n_windows >= n_fit:
            # Their shape is gone: those of a normal distribution with that middle and that spread.
            self._scaling = known
            self._quantiles = (known.center + NORMAL_QUANTILES[:, None] * known.scale).astype(np.float32)

    @property
    def follows(self) -> bool:
        """Whether it has seen enough windows, and follows its data from here on."""
        return self._quantiles is not None

    def update(self, window: np.ndarray) -> Scaling:
        """The scaling that holds for this window `[T, C]`, which itself counts towards it."""
        if self._quantiles is not None:
            assert self._scaling is not None
            return self._follow(window, self._scaling, self._quantiles)
        self._windows.append(window)
        stacked = np.stack(self._windows)
        self._scaling = fit_scaling(stacked)
        if len(self._windows) >= self._n_fit:
            quantiles = np.quantile(stacked.reshape(-1, window.shape[1]), SHARES, axis=0)
            self._quantiles = quantiles.astype(np.float32)
            self._windows.clear()
        return self._scaling

    def _follow(self, window: np.ndarray, present: Scaling, quantiles: np.ndarray) -> Scaling:
        n_before = present.n_windows
        self._windows.append(window[:: -(-len(window) // LOT_STEPS)].copy())
        far_out = np.abs(window - present.center).mean(axis=0) > FAR_OUT * present.scale
        if 2 * np.count_nonzero(far_out) > len(far_out):
            n_before = n_before // 2
        elif len(self._windows) < min(LOT_WINDOWS, n_before // LOTS):
            return present
        n_new = len(self._windows)
        self._quantiles = _merged(quantiles, n_before, np.concatenate(self._windows), n_new)
        self._windows.clear()
        low, center, high = (_at(share, self._quantiles) for share in (0.25, 0.5, 0.75))
        self._scaling = _scaling(low, center, high, min(n_before + n_new, max(MEMORY, self._n_fit)))
        return self._scaling


def _merged(quantiles: np.ndarray, n_before: int, new: np.ndarray, n_new: int) -> np.ndarray:
    """Quantiles `[Q, C]` of so many windows before and so many new ones, all of whose steps are `[N, C]`."""
    values = np.concatenate([quantiles, new])
    order = values.argsort(axis=0)
    weights = np.where(order < len(quantiles), n_before / len(quantiles), n_new / len(new))
    shares = (weights.cumsum(axis=0) - weights / 2) / (n_before + n_new)
    ascending = np.take_along_axis(values, order, axis=0)
    merged = [np.interp(SHARES, shares[:, one], ascending[:, one]) for one in range(values.shape[1])]
    # There may be very many sources: in half the memory.
    return np.stack(merged, axis=1).astype(np.float32)


def _at(share: float, quantiles: np.ndarray) -> np.ndarray:
    """The quantile at a share, between two that are known."""
    place = share * N_QUANTILES - 0.5
    low = int(place)
    at: np.ndarray = quantiles[low] + (place - low) * (quantiles[low + 1] - quantiles[low])
    return at
