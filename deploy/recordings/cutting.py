"""Raw samples of tables as recordings: cut into windows by each modality's rate. Performs no I/O."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from deploy.recordings.recordings import NS_PER_S, RecordingError, Recordings, arrange
from deploy.tables.samples import RawSamples
from encoders.modality import ModalitySpec
from streams.cutting.cutter import CutWindow, Phase, WindowCutter
from streams.records import SensorWindow

# The cutter looks through what it holds for each window.
SAMPLES_AT_A_TIME = 4096
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
    """Windows of all samples; those of one node start whole hops after its first sample, so that they belong together.

    A window's label is that of its middle.

    Raises:
        RecordingError: If samples have other channels than their modality, or there is no whole window.
    """
    phases: dict[str, Phase] = {}
    windows: list[SensorWindow] = []
    for one in sorted(samples, key=lambda one: int(one.times_ns[0])):
        windows += _windows(one, specs[one.modality], phases.setdefault(one.source_id, Phase(hop_s)))
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


def _windows(samples: RawSamples, spec: ModalitySpec, phase: Phase) -> Iterator[SensorWindow]:
    if samples.values.shape[1] != spec.n_channels:
        raise RecordingError(
            f"{samples.source_id}, {spec.name}: {', '.join(samples.channels)} are {samples.values.shape[1]} channels, "
            f"wanted {spec.n_channels}"
        )
    cutter = WindowCutter(spec, phase)
    cut: list[CutWindow] = []
    for at in range(0, len(samples.times_ns), SAMPLES_AT_A_TIME):
        part = slice(at, at + SAMPLES_AT_A_TIME)
        cut += cutter.push(samples.times_ns[part], samples.values[part])
    for start_ns, values in [*cut, *cutter.flush()]:
        label = None
        if samples.labels is not None:
            middle_ns = start_ns + round(spec.duration_s * NS_PER_S / 2)
            label = str(samples.labels[np.searchsorted(samples.times_ns, middle_ns, "right") - 1]) or None
        yield SensorWindow(
            source_id=samples.source_id, modality=spec.name, start_ns=start_ns, values=values, label=label
        )
