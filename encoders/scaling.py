"""Per-source robust scaling. Performs no I/O and reads no clock."""

import msgspec
import numpy as np

# The interquartile range of a normal distribution in units of its standard deviation.
IQR_OF_NORMAL = 1.349


class Scaling(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Median and robust spread of one source's modality: `center` and `scale` are `[C]` float32.

    `n_windows` says from how many windows it was estimated.
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
    spread = (high - low) / IQR_OF_NORMAL
    # A channel that hardly moves must not be blown up to the size of the others.
    floor = max(0.05 * float(spread.max()), 1e-6)
    return Scaling(
        center=center.astype(np.float32),
        scale=np.maximum(spread, floor).astype(np.float32),
        n_windows=len(windows),
    )


class RobustScaler:
    """The scaling of one source and modality, provisional until `n_fit` windows were seen, fixed from then on."""

    def __init__(self, n_fit: int, fixed: Scaling | None = None) -> None:
        if n_fit < 1:
            raise ValueError(f"n_fit is {n_fit}, wanted at least 1")
        self._n_fit = n_fit
        self._windows: list[np.ndarray] = []
        self._scaling = fixed

    def update(self, window: np.ndarray) -> Scaling:
        """The scaling that holds for this window `[T, C]`, which itself counts towards it."""
        if self._scaling is not None and self._scaling.n_windows >= self._n_fit:
            return self._scaling
        self._windows.append(window)
        self._scaling = fit_scaling(np.stack(self._windows))
        if len(self._windows) >= self._n_fit:
            self._windows.clear()
        return self._scaling
