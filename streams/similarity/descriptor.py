"""Generation 0's embedding: a fixed, shift-tolerant transform of a window. Learns nothing, performs no I/O."""

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Float32

from encoders.blocks import safe_sizes
from encoders.modality import ModalitySpec
from streams.settings import DescriptorKind
from streams.similarity.exact_products import PRODUCT_ROWS, ROWS_AT_ONCE, padded, products
from streams.similarity.rotation import AXES, in_principal_axes, upright_power, uprightness

# Few wide bands did as well or better than many narrow ones. Bound as a stream, the best partner was right, with 66 and
# with 408 numbers for three channels: watch recordings 72 and 69 %, UTD-MHAD 78 and 78 %, MHEALTH (a third of it) 73
# and 71 %. Chosen on these sets, with their labels.
MAX_BINS = 40
SPECTRUM_BANDS = 8
CROSS_BANDS = 4
QUANTILES = 6
# Of spectrum, cross-spectra and quantiles. Chosen by hand; `python -m benchmarks.fleet` says how many pairs are right.
ORIENTED_WEIGHTS = (1.4, 0.8, 1.3)
# Along a window's principal axes, whose order and signs may be wrong, what depends on them counts less.
# Chosen by hand; `python -m benchmarks.fleet` has fleets whose sensors are rotated.
ROTATION_TOLERANT_WEIGHTS, UPRIGHT_WEIGHT = (1.4, 0.4, 0.8), 1.0
# Of "both": 0.5 lost nothing without rotated sensors and gained little with them, 0.8 the other way round.
ROTATION_TOLERANT_SHARE = 0.65
# Windows shorter than this have no spectrum worth the name: their values are compared as they are.
# Chosen by hand.
MIN_SPECTRUM_STEPS = 8
# Up to so many channels every pair has a cross-spectrum, above it only neighbours do. Chosen by hand.
MAX_CHANNELS_ALL_PAIRS = 4
# Of a row. Chosen by hand; three channels have 66 numbers.
MAX_DIM = 128
# A step of less than this share of the largest value is rounding: float32 has 1.2e-7.
STILL = 1e-6


class Descriptor:
    """Unit rows `[N, dim]` float32 of raw windows `[N, T, C]`; similar where the windows are, whatever the phase.

    Three parts, each of unit length before it is weighted: the square root of the amplitude in a few bands of each
    channel, centred; the cross-spectra between channels in fewer bands, which keep their relative phase and so tell
    apart what a shift of time cannot; and quantiles of each channel, which know up from down. Units and gains cancel.
    Above 128 numbers they are projected onto fixed random directions. A window that does not move becomes zeros.

    Raw rather than scaled by source: scaling each channel apart cost 6 points of pair precision on the watch recordings
    and 3 on UTD-MHAD, since it hides which channel moves most.

    Args:
        spec: The modality.
        is_rotation_tolerant: Describe each window along its principal axes, so that rotated sensors are alike; a fourth
            part then says what moves along gravity, where there is any, and across it. Zero points no longer cancel.

    Raises:
        ValueError: If it is to be rotation-tolerant and windows have not three channels, or too few steps.

    Example:
        >>> import numpy as np
        >>> from encoders.modality import ModalitySpec
        >>> from streams.similarity.descriptor import Descriptor
        >>> describe = Descriptor(ModalitySpec(name="tilt", n_channels=1, n_steps=100, rate_hz=20.0))
        >>> t = np.arange(100)[:, None] / 20
        >>> rows = describe(np.stack([np.sin(9 * t), np.sin(9 * t + 2), np.sin(15 * t)]))
        >>> print((rows @ rows.T)[0].round(1))  # with itself, with itself at another moment, with a faster motion
        [1.  1.  0.7]
    """

    def __init__(self, spec: ModalitySpec, is_rotation_tolerant: bool = False) -> None:
        self._spec, self._shape = spec, (spec.n_steps, spec.n_channels)
        self._has_spectrum = spec.n_steps >= MIN_SPECTRUM_STEPS
        if is_rotation_tolerant and not tolerates_rotation(spec):
            found = f"{spec.name} has {spec.n_channels} channels and {spec.n_steps} steps"
            raise ValueError(f"{found}: a rotation-tolerant descriptor wants {AXES} and {MIN_SPECTRUM_STEPS} or more")
        self._is_rotation_tolerant = is_rotation_tolerant
        self._weights = ROTATION_TOLERANT_WEIGHTS if is_rotation_tolerant else ORIENTED_WEIGHTS
        n_bins = min(MAX_BINS, spec.n_steps // 2) if self._has_spectrum else 1
        self._taper = np.hanning(spec.n_steps).astype(np.float32)
        self._bands = _band_starts(n_bins, SPECTRUM_BANDS)
        self._cross_bands = _band_starts(n_bins, CROSS_BANDS)
        self._n_bins = n_bins
        self._first, self._second = _channel_pairs(spec.n_channels)
        self._quantiles = np.linspace(0, spec.n_steps - 1, QUANTILES).astype(np.intp)
        n_features = self._n_features(spec)
        self._projection = _random_directions(n_features, MAX_DIM) if n_features > MAX_DIM else None
        self.dim = min(n_features, MAX_DIM)

    def __call__(self, windows: Float[np.ndarray, "n t c"]) -> Float32[np.ndarray, "n {self.dim}"]:
        """One row for each window, the same to the last bit whatever others it comes with; raises as `with_turned`."""
        return self.with_turned(windows)[0]

    def with_turned(
        self, windows: Float[np.ndarray, "n t c"]
    ) -> tuple[Float32[np.ndarray, "n {self.dim}"], Float32[np.ndarray, "n t c"]]:
        """The rows, and the windows along their principal axes where these are described, else as given.

        Raises:
            ValueError: If the windows are not `[N, T, C]` of the modality.
        """
        if windows.ndim != 3 or windows.shape[1:] != self._shape:
            raise ValueError(f"windows of shape {windows.shape}, wanted (N, {self._shape[0]}, {self._shape[1]})")
        rows = np.empty((len(windows), self.dim), np.float32)
        turned = np.empty(windows.shape, np.float32)
        for start in range(0, len(windows), ROWS_AT_ONCE):
            part = slice(start, min(start + ROWS_AT_ONCE, len(windows)))
            n_rows = part.stop - start
            size = next(one for one in _sizes_of(self._spec, self._is_rotation_tolerant) if one >= n_rows)
            block = np.zeros((size, self._shape[1], self._shape[0]), np.float32)
            block[:n_rows] = windows[part].transpose(0, 2, 1)
            seen = self._seen(block)
            rows[part], turned[part] = self._describe(seen)[:n_rows], seen[:n_rows].transpose(0, 2, 1)
        return rows, turned

    def trial(self) -> tuple[int, ...]:
        """Sizes of blocks in which a row gets the same bits."""
        walk = np.random.default_rng(0).normal(size=(ROWS_AT_ONCE, self._shape[1], self._shape[0])).cumsum(axis=2)
        return safe_sizes(lambda block: self._describe(self._seen(block)), walk.astype(np.float32))

    def _seen(self, block: np.ndarray) -> np.ndarray:
        return in_principal_axes(block) if self._is_rotation_tolerant else block

    def _n_features(self, spec: ModalitySpec) -> int:
        if not self._has_spectrum:
            return spec.n_steps * spec.n_channels
        per_channel = len(self._bands) + QUANTILES
        n_upright = 2 * len(self._bands) if self._is_rotation_tolerant else 0
        return spec.n_channels * per_channel + 2 * len(self._first) * len(self._cross_bands) + n_upright

    def _describe(self, block: np.ndarray) -> np.ndarray:
        """Rows of a block `[size, C, T]`."""
        features = self._features(block) if self._has_spectrum else block.reshape(len(block), -1)
        if self._projection is not None:
            projected = products(self._projection, padded(features, PRODUCT_ROWS))[:, 0].transpose(0, 2, 1)
            features = projected.reshape(-1, self.dim)[: len(block)]
        return _unit(features)

    def _features(self, block: np.ndarray) -> np.ndarray:
        moving = block - block.mean(axis=2, keepdims=True)
        spectrum = np.fft.rfft(moving * self._taper, axis=2)[:, :, 1 : self._n_bins + 1]
        power = spectrum.real**2 + spectrum.imag**2
        amplitude = _amplitude(np.add.reduceat(power, self._bands, axis=2))
        cross = spectrum[:, self._first] * spectrum[:, self._second].conj()
        cross = np.add.reduceat(cross, self._cross_bands, axis=2)
        cross /= np.sqrt(np.maximum(np.abs(cross), np.finfo(np.float32).tiny))
        # The extremes among them: one outlier in a window counts, which the weights were chosen with.
        quantiles = np.sort(moving, axis=2)[:, :, self._quantiles]
        parts = [amplitude, np.concatenate([cross.real, cross.imag], axis=2), quantiles]
        rows = [weight * _unit(part.reshape(len(block), -1)) for weight, part in zip(self._weights, parts, strict=True)]
        if self._is_rotation_tolerant:
            upright = _amplitude(upright_power(block, spectrum, self._bands)).reshape(len(block), -1)
            rows.append(UPRIGHT_WEIGHT * uprightness(block) * _unit(upright))
        features: np.ndarray = np.concatenate(rows, axis=1)
        return features


@lru_cache(maxsize=256)
def _sizes_of(spec: ModalitySpec, is_rotation_tolerant: bool) -> tuple[int, ...]:
    return Descriptor(spec, is_rotation_tolerant).trial()


class BothDescriptors:
    """Oriented and rotation-tolerant side by side: the cosine is the weighted mean of theirs."""

    def __init__(self, spec: ModalitySpec) -> None:
        self._oriented, self._rotation_tolerant = Descriptor(spec), Descriptor(spec, is_rotation_tolerant=True)
        self._weights = np.sqrt(np.array([1 - ROTATION_TOLERANT_SHARE, ROTATION_TOLERANT_SHARE], np.float32))
        self.dim = self._oriented.dim + self._rotation_tolerant.dim

    def __call__(self, windows: Float[np.ndarray, "n t c"]) -> Float32[np.ndarray, "n {self.dim}"]:
        """One row for each window, the same to the last bit whatever others it comes with."""
        parts = (self._oriented, self._rotation_tolerant)
        weighted = [weight * describe(windows) for weight, describe in zip(self._weights, parts, strict=True)]
        rows: np.ndarray = np.concatenate(weighted, axis=1)
        return rows


AnyDescriptor: TypeAlias = Descriptor | BothDescriptors


def tolerates_rotation(spec: ModalitySpec) -> bool:
    """Whether its windows can be described whichever way their sensor is rotated."""
    return spec.n_channels == AXES and spec.n_steps >= MIN_SPECTRUM_STEPS


def descriptor_of(spec: ModalitySpec, kind: DescriptorKind = "oriented") -> AnyDescriptor:
    """The descriptor that the settings name.

    With every sensor rotated at random the best partner was right, oriented, both, rotation-tolerant: watch recordings
    41, 56 and 66 %, UTD-MHAD 24, 51 and 63 %, MHEALTH 49, 62 and 67 %. With none rotated: 77, 76 and 66 %, 77, 75 and
    63 %, 68, 70 and 67 %. Chosen on these sets, with their labels; see `benchmarks.fleet`.

    Raises:
        ValueError: If it is not for such a modality.
    """
    if kind == "both":
        return BothDescriptors(spec)
    return Descriptor(spec, is_rotation_tolerant=kind == "rotation-tolerant")


def moves(windows: Float[np.ndarray, "n t c"]) -> Bool[np.ndarray, " n"]:
    """For each window `[N, T, C]` whether any channel changes from step to step: one that does not cannot be bound."""
    n_steps, n_channels = windows.shape[1:]
    flat = windows.reshape(len(windows), -1)
    size = np.abs(flat).max(axis=1)
    if n_steps < MIN_SPECTRUM_STEPS:
        still: np.ndarray = size == 0
    else:
        still = np.abs(flat[:, n_channels:] - flat[:, :-n_channels]).max(axis=1) <= STILL * size
    return ~still


def _amplitude(power: np.ndarray) -> np.ndarray:
    """Its square root, centred over all that a window has."""
    amplitude: np.ndarray = np.sqrt(np.sqrt(power))
    amplitude -= amplitude.mean(axis=(1, 2), keepdims=True)
    return amplitude


def _unit(rows: np.ndarray) -> np.ndarray:
    length = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    unit: np.ndarray = rows / np.maximum(length, np.finfo(np.float32).tiny)
    return unit


def _channel_pairs(n_channels: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.triu_indices(n_channels, k=1)
    if n_channels > MAX_CHANNELS_ALL_PAIRS:
        keep = second - first == 1
        first, second = first[keep], second[keep]
    return first, second


def _band_starts(n_bins: int, n_bands: int) -> np.ndarray:
    """First bins of at most `n_bands` bands over bins 0..n_bins-1, one bin wide at first and then ever wider."""
    for growth in np.arange(1.0, 4.0, 0.01):
        starts, width = [0], 1.0
        while starts[-1] + max(1, round(width)) < n_bins:
            starts.append(starts[-1] + max(1, round(width)))
            width *= growth
        if len(starts) <= n_bands:
            break
    return np.array(starts, np.intp)


def _random_directions(n_features: int, dim: int) -> np.ndarray:
    """Orthonormal rows `[1, dim, n_features]`, the same for ever."""
    normal = np.random.default_rng(0).standard_normal((n_features, dim))
    return np.ascontiguousarray(np.linalg.qr(normal)[0].T, np.float32)[None]
