"""Modalities and sources as they were found. Performs no I/O but reading the files it is given."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.recordings.cutting import specs_of
from deploy.recordings.files import read_recordings
from deploy.recordings.logged import Reading, read_raw
from deploy.recordings.recordings import Recordings
from deploy.tables.table import TABLE_SUFFIXES
from encoders.modality import ModalitySpec


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Modalities by name, and of each source how much it has of each: raw samples or windows, as `counted` says."""

    specs: dict[str, ModalitySpec]
    sources: dict[str, dict[str, int]]
    counted: str
    hop_s: float

    @property
    def shared(self) -> str:
        """The modality that most sources have; of equals the one of which there is most."""
        counts = {name: [has[name] for has in self.sources.values() if name in has] for name in self.specs}
        return max(self.specs, key=lambda name: (len(counts[name]), sum(counts[name])))


def found_in_files(files: Sequence[Path], reading: Reading) -> Found:
    """What is in tables, or in one file of windows.

    Raises:
        TableError, RecordingError: Saying what is wrong with a file.
    """
    if any(file.suffix.lower() not in TABLE_SUFFIXES for file in files):
        return found_in_recordings(read_recordings(files[0], reading))
    samples = read_raw(files, reading)
    counts = ((one.source_id, one.modality, len(one.times_ns)) for one in samples)
    return Found(specs_of(samples, reading.window_s), _by_source(counts), "samples", reading.hop_s or reading.window_s)


def found_in_recordings(recordings: Recordings) -> Found:
    """What is in recordings."""
    windows = ((one.source_id, one.modality, 1) for one in recordings.windows)
    return Found(recordings.specs, _by_source(windows), "windows", recordings.hop_s)


def say(found: Found, tell: Callable[[str], None]) -> None:
    """Which source has what, and which modality would bind them."""
    for source, has in sorted(found.sources.items()):
        tell(f"{source}: {', '.join(f'{name} ({n} {found.counted})' for name, n in sorted(has.items()))}")
    n_with = sum(found.shared in has for has in found.sources.values())
    tell(f"{found.shared} is the sensor that most have, {n_with} of {len(found.sources)}: it would bind the others")


def _by_source(counts: Iterable[tuple[str, str, int]]) -> dict[str, dict[str, int]]:
    sources: dict[str, dict[str, int]] = {}
    for source, modality, n in counts:
        has = sources.setdefault(source, {})
        has[modality] = has.get(modality, 0) + n
    return sources
