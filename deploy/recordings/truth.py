"""What only the evaluation may know of recordings: labels, and the windows that were hidden. Performs no I/O."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import permutations

import msgspec

from deploy.recordings.recordings import NS_PER_S, Recordings
from encoders.scaling import RobustScaler, Scaling
from streams.intake.grid import slot_of
from streams.intake.windows import is_held_out
from streams.labels import LABEL
from streams.records import Label, Sample, SensorWindow
from streams.settings import IngestSettings, StreamSettings

# As ingest has it by default.
SCALING_WINDOWS = IngestSettings().scaling_windows


def without_labels(windows: Iterable[SensorWindow]) -> Iterator[SensorWindow]:
    """The windows as a stream sees them that is bound by a sensor."""
    for window in windows:
        yield msgspec.structs.replace(window, label=None) if window.label is not None else window


def as_seen(windows: Iterable[SensorWindow], settings: StreamSettings) -> Iterator[SensorWindow]:
    """The windows as this stream may see them: with labels where they bind, but for what is held out."""
    for window in windows:
        if settings.shared_modality == LABEL and not is_held_out(window.source_id, settings.ingest):
            yield window
        else:
            yield from without_labels([window])


class Truth:
    """Labels and all windows of recordings, by source and slot.

    Args:
        recordings: Hidden windows included.
        hop_s: Length of a slot, as the stream cuts time.
    """

    def __init__(self, recordings: Recordings, hop_s: float) -> None:
        self._hop_ns = round(hop_s * NS_PER_S)
        self._hidden = recordings.hidden
        self._windows: dict[tuple[str, int], dict[str, SensorWindow]] = defaultdict(dict)
        self._labels: dict[tuple[str, int], Label] = {}
        for window in recordings.windows:
            place = (window.source_id, self._slot(window.start_ns))
            self._windows[place].setdefault(window.modality, window)
            if window.label is not None:
                self._labels.setdefault(place, window.label)

    def labels(self, samples: Iterable[Sample]) -> dict[str, Label]:
        """Labels by sample id; samples without one are left out."""
        found = {sample.sample_id: self._labels.get(self._place(sample)) for sample in samples}
        return {sample_id: label for sample_id, label in found.items() if label is not None}

    def labelled(self, samples: Iterable[Sample]) -> dict[str, Sample]:
        """The samples by id, with their labels and nothing else added."""
        return {
            sample.sample_id: msgspec.structs.replace(sample, label=self._labels.get(self._place(sample)))
            for sample in samples
        }

    def complete(self, samples: Iterable[Sample]) -> list[Sample]:
        """The samples with their labels and with the modalities that were hidden from the stream."""
        chosen = list(samples)
        scalings = self._hidden_scalings({sample.source_id for sample in chosen})
        return [self._completed(sample, scalings.get(self._place(sample), {})) for sample in chosen]

    def _completed(self, sample: Sample, scalings: Mapping[str, Scaling]) -> Sample:
        place = self._place(sample)
        windows = self._windows.get(place, {})
        hidden = {name: windows[name].values for name in windows if name in scalings and name not in sample.windows}
        return msgspec.structs.replace(
            sample,
            windows={**sample.windows, **hidden},
            scaling={**sample.scaling, **{name: scalings[name] for name in hidden}},
            label=self._labels.get(place),
        )

    def _hidden_scalings(self, sources: set[str]) -> dict[tuple[str, int], dict[str, Scaling]]:
        """As they would have been on arrival: by what came before."""
        scalers = {key: RobustScaler(SCALING_WINDOWS) for key in self._hidden if key[0] in sources}
        found: dict[tuple[str, int], dict[str, Scaling]] = defaultdict(dict)
        for place, windows in sorted(self._windows.items()):
            for name, window in windows.items():
                if (scaler := scalers.get((place[0], name))) is not None:
                    found[place][name] = scaler.update(window.values)
        return found

    def _place(self, sample: Sample) -> tuple[str, int]:
        return sample.source_id, self._slot(sample.start_ns)

    def _slot(self, start_ns: int) -> int:
        return slot_of(start_ns, self._hop_ns)


def never_paired(samples: Iterable[Sample]) -> list[tuple[str, str]]:
    """(query, gallery) of modalities that no sample has together, both ways, of those that any sample has."""
    sets = {frozenset(sample.windows) for sample in samples}
    known = sorted(frozenset[str]().union(*sets))
    return [pair for pair in permutations(known, 2) if not any(set(pair) <= together for together in sets)]
