"""What one shared modality says of the pairs of a table before anything was trained. Performs no I/O."""

from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np

from encoders.modality import ModalitySpec
from streams.similarity.descriptor import MIN_SPECTRUM_STEPS, Descriptor, can_turn
from streams.similarity.lag import lag_similarity
from streams.similarity.rotation import in_own_axes
from streams.similarity.standard_units import standardised

# How the sensors of a fleet are mounted: all alike, or each at its own angle.
Mounting: TypeAlias = Literal["alike", "any"]


class Evidence:
    """How alike the windows of a modality are, two by two, by descriptors and at the best lag.

    With sensors that are mounted alike, the descriptor in the sensor's axes, the one in the window's own axes and the
    lag-tolerant cosine add up; with sensors at any angle, only what is measured in the window's own axes counts. Best
    partners were right, in one table of all samples, alike and any: UTD-MHAD 90 and 66 % (with rotated sensors 35 and
    66), watch recordings 81 and 63 (37 and 63), MHEALTH 84 and 71 (57 and 71), MEx 74 and 59 (27 and 59). Chosen on
    these sets, with their labels.

    Args:
        spec: The modality.
        lag_tolerant: Compare at the best lag too.
    """

    def __init__(self, spec: ModalitySpec, lag_tolerant: bool = True) -> None:
        self.spec = spec
        self.can_turn = can_turn(spec)
        self._has_lag = lag_tolerant and spec.n_steps >= MIN_SPECTRUM_STEPS
        self._straight = Descriptor(spec)
        self._turned = Descriptor(spec, is_turned=True) if self.can_turn else None

    def described(self, windows: np.ndarray) -> np.ndarray:
        """Rows `[N, D]` of raw windows `[N, T, C]`, for `cosines` and `likeness`; a row depends on no other."""
        rows = [one(windows) for one in (self._straight, self._turned) if one is not None]
        return np.concatenate(rows, axis=1)

    def cosines(self, described: np.ndarray, mounting: Mounting = "alike") -> np.ndarray:
        """Those of the descriptor `[N, N]`, in the sensor's axes or in the window's own."""
        straight, turned = np.split(described, [self._straight.dim], axis=1)
        rows = turned if mounting == "any" and self.can_turn else straight
        cosines: np.ndarray = rows @ rows.T
        return cosines

    def likeness(
        self, described: np.ndarray, windows: np.ndarray, among: np.ndarray, mounting: Mounting = "alike"
    ) -> np.ndarray:
        """How alike `[N, N]`, in standard deviations of the pairs `among`."""
        parts = [standardised(self.cosines(described), among)]
        if self.can_turn:
            parts.append(standardised(self.cosines(described, "any"), among))
            if mounting == "any":
                windows = in_own_axes(windows.transpose(0, 2, 1)).transpose(0, 2, 1)
                del parts[0]
        likeness = standardised(sum(parts), among)  # type: ignore[arg-type]
        if self._has_lag:
            likeness += standardised(lag_similarity(windows), among)
        return standardised(likeness, among)


@lru_cache(maxsize=256)
def evidence_of(spec: ModalitySpec, lag_tolerant: bool = True) -> Evidence:
    """The evidence of a modality, whose descriptors are made once."""
    return Evidence(spec, lag_tolerant)
