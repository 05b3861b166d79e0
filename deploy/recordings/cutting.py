"""Raw samples of tables as recordings: cut into windows by each modality's rate. Performs no I/O."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from deploy.recordings.recordings import NS_PER_S, RecordingError, Recordings, arrange
from deploy.tables.samples import RawSamples
from encoders.modality import ModalitySpec
from streams.records import SensorWindow

# Samples further apart than so many steps are two runs, between which nothing is made up.
MAX_GAP_STEPS = 3
WINDOW_S = 5.0


def specs_of(
    samples: Iterable[RawSamples], window_s: float = WINDOW_S, known: Mapping[str, ModalitySpec] | None = None
) -> dict[str, ModalitySpec]:
    """The modalities of raw samples: as `known`, else at the rate of the node that has most, in windows of `window_s`.

    Raises:
        RecordingError: If a modality cannot be, or samples have other channels than it has.
        TableError: If a modality has one sample only.
    """
    most: dict[str, RawSamples] = {}
    for one in sorted(samples, key=lambda one: len(one.times_ns)):
        most[one.modality] = one
    specs = {}
    for name, one in sorted(most.items()):
        specs[name] = (known or {}).get(name) or _measured(one, window_s)
    return specs


def cut(name: str, samples: Iterable[RawSamples], specs: Mapping[str, ModalitySpec], hop_s: float) -> Recordings:
    """Windows of all samples, which start at whole multiples of `hop_s`, so that those of one node belong together.

    A window's label is that of its middle.

    Raises:
        RecordingError: If samples have other channels than their modality, or there is no whole window.
    """
    windows = [window for one in samples for window in _windows(one, specs[one.modality], round(hop_s * NS_PER_S))]
    if not windows:
        longest_s = max(spec.duration_s for spec in specs.values())
        raise RecordingError(f"{name}: no whole window of {longest_s:g} s without a gap, wanted at least one")
    return arrange(name, [spec for spec in specs.values() if spec.name in {one.modality for one in windows}], windows)


def _measured(samples: RawSamples, window_s: float) -> ModalitySpec:
    rate_hz = samples.rate_hz
    try:
        return ModalitySpec(
            name=samples.modality,
            n_channels=len(samples.channels),
            n_steps=max(1, round(rate_hz * window_s)),
            rate_hz=rate_hz,
            unit=samples.unit,
            channels=samples.channels,
        )
    except ValueError as error:
        raise RecordingError(str(error)) from error


def _windows(samples: RawSamples, spec: ModalitySpec, hop_ns: int) -> Iterator[SensorWindow]:
    if samples.values.shape[1] != spec.n_channels:
        raise RecordingError(
            f"{samples.source_id}, {spec.name}: {', '.join(samples.channels)} are {samples.values.shape[1]} channels, "
            f"wanted {spec.n_channels}"
        )
    for start_ns, values in _cut(samples.times_ns, samples.values, spec, hop_ns):
        label = None
        if samples.labels is not None:
            middle_ns = start_ns + round(spec.duration_s * NS_PER_S / 2)
            label = str(samples.labels[np.searchsorted(samples.times_ns, middle_ns, "right") - 1]) or None
        yield SensorWindow(
            source_id=samples.source_id, modality=spec.name, start_ns=start_ns, values=values, label=label
        )


def _cut(times_ns: np.ndarray, values: np.ndarray, spec: ModalitySpec, hop_ns: int) -> Iterator[tuple[int, np.ndarray]]:
    step_ns = NS_PER_S / spec.rate_hz
    steps_ns = np.rint(np.arange(spec.n_steps) * step_ns).astype(np.int64)
    ends = np.flatnonzero(np.diff(times_ns) > MAX_GAP_STEPS * step_ns) + 1
    for run in np.split(np.arange(len(times_ns)), ends):
        first_ns, last_ns = int(times_ns[run[0]]), int(times_ns[run[-1]])
        for start_ns in range(-(-first_ns // hop_ns) * hop_ns, last_ns - int(steps_ns[-1]) + 1, hop_ns):
            at = (steps_ns + (start_ns - first_ns)).astype(np.float64)
            own = (times_ns[run] - first_ns).astype(np.float64)
            yield start_ns, np.stack([np.interp(at, own, channel) for channel in values[run].T], 1).astype(np.float32)
