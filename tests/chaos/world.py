"""What the sensors measure: real recordings where they are installed, played over and over, else a synthetic world."""

from collections import defaultdict
from typing import Protocol

import msgspec

from deploy.recordings.recordings import RecordingError, Recordings
from deploy.recordings.watch import watch_recordings
from streams.records import SensorWindow
from streams.settings import IngestSettings, ModalitySettings, StreamSettings
from streams.testing import NS_PER_S, SyntheticWorld

N_SYNTHETIC_SOURCES = 20


class PlayedWorld(Protocol):
    """Nodes whose windows never end, labelled: by labels the gate judges, and lets a model pass that learned little."""

    name: str
    sources: tuple[str, ...]

    def settings(self) -> StreamSettings:
        """What a worker is told of its modalities and its nodes."""

    def slot(self, number: int) -> list[SensorWindow]:
        """What all nodes send for one slot, a node's companions together."""


class PlayedRecordings:
    """Recordings from their beginning to their end, and from the beginning again, later."""

    def __init__(self, recordings: Recordings) -> None:
        self.name, self.sources = recordings.name, recordings.sources
        self._recordings = recordings
        self._hop_ns = round(recordings.hop_s * NS_PER_S)
        slots: dict[int, list[SensorWindow]] = defaultdict(list)
        for window in recordings.visible:
            slots[(window.start_ns - recordings.windows[0].start_ns) // self._hop_ns].append(window)
        self._slots = [slots[number] for number in range(max(slots) + 1)]

    def settings(self) -> StreamSettings:
        """What a worker is told of these recordings."""
        modalities = {
            spec.name: ModalitySettings(n_channels=spec.n_channels, n_steps=spec.n_steps, rate_hz=spec.rate_hz)
            for spec in self._recordings.specs.values()
        }
        held_out = tuple(sorted(self._recordings.held_out))
        ingest = IngestSettings(hop_s=self._recordings.hop_s, held_out_sources=held_out)
        return StreamSettings(modalities=modalities, shared_modality=self._recordings.shared, ingest=ingest)

    def slot(self, number: int) -> list[SensorWindow]:
        """What all nodes send for one slot, in the order of their names."""
        n_rounds, place = divmod(number, len(self._slots))
        later_ns = n_rounds * len(self._slots) * self._hop_ns
        windows = self._slots[place]
        return [msgspec.structs.replace(one, start_ns=one.start_ns + later_ns) for one in windows]


class SyntheticNodes:
    """A synthetic world, slot by slot."""

    name = "synthetic"

    def __init__(self) -> None:
        self._world = SyntheticWorld(N_SYNTHETIC_SOURCES, n_complete=2, held_out=2)
        self.sources = self._world.sources

    def settings(self) -> StreamSettings:
        """What a worker is told of this world."""
        return self._world.settings()

    def slot(self, number: int) -> list[SensorWindow]:
        """What all nodes send for one slot, in the order of their names."""
        return list(self._world.windows(1, first=number))


def played_world() -> PlayedWorld:
    """The smartwatch's recordings where the package that has them is installed, as `make demo` and `make test` do."""
    try:
        return PlayedRecordings(watch_recordings())
    except RecordingError:
        return SyntheticNodes()
