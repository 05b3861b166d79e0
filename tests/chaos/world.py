"""What the sensors measure: real recordings where they are installed, played over and over, else a synthetic world."""

from typing import Protocol

from deploy.recordings.recordings import RecordingError
from deploy.recordings.watch import watch_recordings
from streams.records import SensorWindow
from streams.settings import StreamSettings
from streams.testing import SyntheticWorld
from tests.support.played import PlayedRecordings

N_SYNTHETIC_SOURCES = 20


class PlayedWorld(Protocol):
    """Nodes whose windows never end, labelled: by labels the gate judges, and lets a model pass that learned little."""

    name: str
    sources: tuple[str, ...]

    def settings(self) -> StreamSettings:
        """What a worker is told of its modalities and its nodes."""

    def slot(self, number: int) -> list[SensorWindow]:
        """What all nodes send for one slot, a node's companions together."""


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
