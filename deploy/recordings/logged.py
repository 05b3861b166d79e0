"""Recordings from what sensors logged: tables of raw samples, one or many, shown and cut into windows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.recordings.cutting import WINDOW_S, cut, specs_of
from deploy.recordings.recordings import Recordings
from deploy.tables.columns import Columns
from deploy.tables.samples import RawSamples, joined, read_samples


@dataclass(frozen=True, slots=True)
class Reading:
    """How tables are read: their columns, and how long windows are where the settings do not know a modality.

    Windows begin every `hop_s`, without one every `window_s`. `tell` is given what was understood, a line at a time.
    """

    columns: Columns = field(default_factory=Columns)
    window_s: float = WINDOW_S
    hop_s: float | None = None
    tell: Callable[[str], None] = lambda line: None


def read_raw(files: Sequence[Path], reading: Reading) -> list[RawSamples]:
    """The raw samples of tables, those of one node and modality joined.

    Raises:
        TableError: Naming file, row, column and value, and what was wanted.
    """
    parts: list[RawSamples] = []
    for file in files:
        understood = read_samples(file, reading.columns)
        for line in understood.lines():
            reading.tell(line)
        parts += understood.samples
    return joined(parts)


def read_logged(files: Sequence[Path], reading: Reading) -> Recordings:
    """The windows of tables.

    Raises:
        TableError: Naming file, row, column and value, and what was wanted.
        RecordingError: If there is no whole window, or a modality has other channels than the settings say.
    """
    samples = read_raw(files, reading)
    specs = specs_of(samples, reading.window_s, reading.columns.known)
    recordings = cut(files[0].stem, samples, specs, reading.hop_s or reading.window_s)
    for spec in recordings.specs.values():
        own = [one for one in recordings.windows if one.modality == spec.name]
        reading.tell(
            f"{spec.name}: {len(own)} windows [{spec.n_steps}, {spec.n_channels}] of "
            f"{len({one.source_id for one in own})} nodes, at {spec.rate_hz:g} Hz"
        )
    return recordings
