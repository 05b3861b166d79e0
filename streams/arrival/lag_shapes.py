"""The coarse shapes of the last windows, and how alike two are at the lag that suits them best. Performs no I/O."""

import numpy as np

from encoders.modality import ModalitySpec
from streams.settings import DescriptorKind
from streams.similarity.descriptor import MIN_SPECTRUM_STEPS
from streams.similarity.exact_products import ROWS_AT_ONCE, padded
from streams.similarity.lag import LAG_SHARE, coarse
from streams.similarity.rotation import in_principal_axes


class LagShapes:
    """Windows at a coarse rate with few channels, of unit length, in a ring by row number.

    Args:
        spec: Of the windows.
        n_rows: The length of the ring.
        is_rotation_tolerant: See each window along its principal axes, so that rotated sensors are alike.
    """

    def __init__(self, spec: ModalitySpec, n_rows: int, is_rotation_tolerant: bool = False) -> None:
        self._is_rotation_tolerant = is_rotation_tolerant
        example = np.zeros((1, spec.n_steps, spec.n_channels), np.float32)
        _, n_steps, self._n_channels = coarse(example).shape
        self._furthest = int(LAG_SHARE * n_steps)
        self._shapes = np.zeros((n_rows, n_steps * self._n_channels), np.float32)

    @property
    def n_bytes(self) -> int:
        """Memory of the ring."""
        return self._shapes.nbytes

    def write(self, first: int, windows: np.ndarray) -> None:
        """Puts the windows `[n, T, C]` of consecutive rows from `first` on over older ones."""
        for start in range(0, len(windows), ROWS_AT_ONCE):
            part = windows[start : start + ROWS_AT_ONCE]
            small = coarse(padded(part, ROWS_AT_ONCE))
            if self._is_rotation_tolerant:
                small = in_principal_axes(small.transpose(0, 2, 1)).transpose(0, 2, 1)
            small = small.reshape(ROWS_AT_ONCE, -1)
            length = np.sqrt(np.square(small).sum(axis=1, keepdims=True))
            unit = small / np.maximum(length, np.finfo(np.float32).tiny)
            places = np.arange(first + start, first + start + len(part)) % len(self._shapes)
            self._shapes[places] = unit[: len(part)]

    def likeness(self, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Cosines `[n, k]` of rows `queries` `[n]` with `rows` `[n, k]`, each at the lag where it is largest.

        Steps that a lag moves out of the window count as 0. Anything where a row is -1.
        """
        likeness = np.empty(rows.shape, np.float32)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            found = np.take(self._shapes, rows[part], axis=0, mode="wrap")
            # One product of the same shape for each query, whatever the others are.
            at_lags = self._at_lags(queries[part]) @ found.transpose(0, 2, 1)
            likeness[part] = at_lags.max(axis=1)
        return likeness

    def _at_lags(self, rows: np.ndarray) -> np.ndarray:
        """The shapes of rows `[n]` moved by each lag `[n, lags, steps * channels]`."""
        margin, length = self._furthest * self._n_channels, self._shapes.shape[1]
        wide = np.zeros((len(rows), length + 2 * margin), np.float32)
        wide[:, margin : margin + length] = np.take(self._shapes, rows, axis=0, mode="wrap")
        moved = np.lib.stride_tricks.sliding_window_view(wide, length, axis=1)[:, :: self._n_channels]
        return np.ascontiguousarray(moved)


def lag_shapes_of(spec: ModalitySpec, n_rows: int, descriptor: DescriptorKind) -> list[LagShapes]:
    """The shapes that are to be compared beside that descriptor: none where windows have too few steps."""
    if spec.n_steps < MIN_SPECTRUM_STEPS:
        return []
    ways = {"oriented": (False,), "rotation-tolerant": (True,), "both": (False, True)}
    return [LagShapes(spec, n_rows, is_rotation_tolerant) for is_rotation_tolerant in ways[descriptor]]
