"""What one shared modality says of the pairs of a table before anything was trained. Performs no I/O."""

from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Float32

from encoders.modality import ModalitySpec
from streams.similarity.descriptor import MIN_SPECTRUM_STEPS, Descriptor, tolerates_rotation
from streams.similarity.lag import coarse, lag_similarity
from streams.similarity.standard_units import standardised

# How windows are compared: as their sensors are oriented, or whichever way each sensor is rotated.
Comparison: TypeAlias = Literal["oriented", "rotation-tolerant"]


class WindowLikeness:
    """How alike the windows of a modality are, two by two, by descriptors and at the best lag.

    Oriented, both descriptors and the lag-tolerant cosine add up; rotation-tolerant, only what is measured along the
    window's principal axes counts. Best partners were right, in one table of all samples, oriented and
    rotation-tolerant: UTD-MHAD 90 and 66 % (with rotated sensors 35 and 66), watch recordings 81 and 63 (37 and 63),
    MHEALTH 84 and 71 (57 and 71), MEx 74 and 59 (27 and 59). Chosen on these sets, with their labels.

    Args:
        spec: The modality.
        lag_tolerant: Compare at the best lag too.
    """

    def __init__(self, spec: ModalitySpec, lag_tolerant: bool = True) -> None:
        self.spec = spec
        self.tolerates_rotation = tolerates_rotation(spec)
        self._oriented = Descriptor(spec)
        self._rotation_tolerant = Descriptor(spec, is_rotation_tolerant=True) if self.tolerates_rotation else None
        has_shape = spec.n_steps >= MIN_SPECTRUM_STEPS
        self._shape = (
            coarse(np.zeros((1, spec.n_steps, spec.n_channels), np.float32)).shape[1:] if has_shape else (0, 0)
        )
        self._has_lag = lag_tolerant and has_shape

    def described(self, windows: Float[np.ndarray, "n t c"]) -> Float32[np.ndarray, "n d"]:
        """Rows `[N, D]` of raw windows `[N, T, C]`, for `cosines` and `likeness`; a row depends on no other."""
        rows = [self._oriented(windows), self._coarse(windows)]
        if self._rotation_tolerant is not None:
            tolerant, turned = self._rotation_tolerant.with_turned(windows)
            rows += [tolerant, self._coarse(turned)]
        return np.concatenate(rows, axis=1)

    def cosines(
        self, described: Float[np.ndarray, "n d"], comparison: Comparison = "oriented"
    ) -> Float[np.ndarray, "n n"]:
        """Cosines `[N, N]` of the rows of one descriptor: of the oriented one where there is no other."""
        rows, _ = self._parts(described, comparison)
        cosines: np.ndarray = rows @ rows.T
        return cosines

    def likeness(
        self, described: Float[np.ndarray, "n d"], among: Bool[np.ndarray, "n n"], comparison: Comparison = "oriented"
    ) -> Float[np.ndarray, "n n"]:
        """How alike every two windows are, `[N, N]`, in standard deviations of the pairs `among`."""
        kinds: tuple[Comparison, ...] = ("oriented", "rotation-tolerant")
        if not self.tolerates_rotation:
            kinds = ("oriented",)
        elif comparison == "rotation-tolerant":
            kinds = ("rotation-tolerant",)
        likeness = standardised(self.cosines(described, kinds[0]), among)
        if len(kinds) > 1:
            likeness += standardised(self.cosines(described, kinds[1]), among)
            likeness = standardised(likeness, among)
        if self._has_lag:
            _, small = self._parts(described, comparison)
            likeness += standardised(lag_similarity(small), among)
        return standardised(likeness, among)

    def _coarse(self, windows: np.ndarray) -> np.ndarray:
        return (
            coarse(windows).reshape(len(windows), -1) if all(self._shape) else np.zeros((len(windows), 0), np.float32)
        )

    def _parts(self, described: np.ndarray, comparison: Comparison) -> tuple[np.ndarray, np.ndarray]:
        """The rows of a descriptor, and the coarse windows that go with it."""
        n_steps, n_channels = self._shape
        first = 0
        if comparison == "rotation-tolerant" and self._rotation_tolerant is not None:
            first = self._oriented.dim + n_steps * n_channels
            dim = self._rotation_tolerant.dim
        else:
            dim = self._oriented.dim
        small = described[:, first + dim : first + dim + n_steps * n_channels]
        return described[:, first : first + dim], small.reshape(len(described), n_steps, n_channels)


@lru_cache(maxsize=256)
def window_likeness_of(spec: ModalitySpec, lag_tolerant: bool = True) -> WindowLikeness:
    """The likeness of a modality's windows: the same object again, since its descriptors take time to make."""
    return WindowLikeness(spec, lag_tolerant)
