"""Recordings to replay: windows of many sources in order of time, and what is hidden from the stream.

Performs no I/O: `recording_files` reads the general formats, `watch` and `utd` two known data sets.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np

from encoders.errors import UsageError
from encoders.modality import ModalitySpec
from streams.labels import LABEL
from streams.records import SensorWindow

NS_PER_S = 1_000_000_000


class RecordingError(UsageError):
    """A recording cannot be used; the message names the field, its value and what was wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class Recordings:
    """Windows in order of time.

    `hidden` windows, by (source, modality), never reach the stream; they serve as evidence afterwards.
    """

    name: str
    specs: dict[str, ModalitySpec]
    windows: tuple[SensorWindow, ...]
    shared: str
    held_out: frozenset[str] = frozenset()
    hidden: frozenset[tuple[str, str]] = frozenset()

    @property
    def visible(self) -> list[SensorWindow]:
        """What the sources send."""
        return [window for window in self.windows if (window.source_id, window.modality) not in self.hidden]

    @property
    def sources(self) -> tuple[str, ...]:
        """Ids of all sources, sorted."""
        return tuple(sorted({window.source_id for window in self.windows}))

    @property
    def hop_s(self) -> float:
        """The usual time from one window of a source to its next one."""
        sensor = most_common(self.windows, self.specs) if self.shared == LABEL else self.shared
        return usual_spacing_s([window for window in self.windows if window.modality == sensor])


def arrange(
    name: str,
    specs: Iterable[ModalitySpec],
    windows: Iterable[SensorWindow],
    shared: str | None = None,
) -> Recordings:
    """Recordings in order of time, then source; `shared` is the modality that most sources have unless it is given.

    It may be `label`, which is none of the modalities.

    Raises:
        RecordingError: If there is no window, or `shared` is not one of the modalities.
    """
    by_name = {spec.name: spec for spec in specs}
    ordered = tuple(sorted(windows, key=lambda one: (one.start_ns, one.source_id, one.modality)))
    if not ordered:
        raise RecordingError(f"{name}: no windows, wanted at least one")
    if shared is not None and shared not in (*by_name, LABEL):
        raise RecordingError(f"shared modality {shared!r}: wanted one of {', '.join(by_name)}")
    return Recordings(name, by_name, ordered, shared or most_common(ordered, by_name))


def restrict(
    recordings: Recordings, hide: Iterable[str] = (), hold_out: Iterable[str] = (), shared: str | None = None
) -> Recordings:
    """The same with modalities hidden (`SOURCE:MODALITY`) and sources held out.

    The shared modality is chosen again, among what is not hidden, unless it is given or nothing is hidden.

    Raises:
        RecordingError: If a source or a modality is not in the recordings.
    """
    hidden = recordings.hidden | {_hidden(recordings, one) for one in hide}
    held_out = recordings.held_out | {_source(recordings, one) for one in hold_out}
    if shared is not None and shared not in (*recordings.specs, LABEL):
        raise RecordingError(f"--shared {shared}: wanted one of {', '.join(recordings.specs)}, or {LABEL}")
    changed = replace(recordings, hidden=hidden, held_out=held_out)
    if shared is None:
        shared = most_common(changed.visible, recordings.specs) if hidden else recordings.shared
    return replace(changed, shared=shared)


def most_common(windows: Iterable[SensorWindow], modalities: Collection[str]) -> str:
    """The modality that most sources have; of equals the one with most windows, then the first of `modalities`."""
    sources: dict[str, set[str]] = defaultdict(set)
    counts: dict[str, int] = defaultdict(int)
    for window in windows:
        sources[window.modality].add(window.source_id)
        counts[window.modality] += 1
    return max(modalities, key=lambda name: (len(sources[name]), counts[name]))


def usual_spacing_s(windows: Iterable[SensorWindow], default_s: float = 1.0) -> float:
    """Median time between successive windows of one source and modality."""
    starts: dict[tuple[str, str], list[int]] = defaultdict(list)
    for window in windows:
        starts[window.source_id, window.modality].append(window.start_ns)
    steps = [np.diff(sorted(set(times))) for times in starts.values() if len(set(times)) > 1]
    return float(np.median(np.concatenate(steps))) / NS_PER_S if steps else default_s


def _hidden(recordings: Recordings, given: str) -> tuple[str, str]:
    source, colon, modality = given.rpartition(":")
    if not colon:
        raise RecordingError(f"--hide {given}: wanted SOURCE:MODALITY")
    if modality not in recordings.specs:
        raise RecordingError(f"--hide {given}: no modality {modality!r}, wanted one of {', '.join(recordings.specs)}")
    return _source(recordings, source), modality


def _source(recordings: Recordings, given: str) -> str:
    if given not in recordings.sources:
        shown = ", ".join(recordings.sources[:10]) + (", ..." if len(recordings.sources) > 10 else "")
        raise RecordingError(f"no source {given!r} in {recordings.name}, wanted one of {shown}")
    return given
