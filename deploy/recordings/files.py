"""Reads recordings of any kind from a file: JSON Lines, `.npz`, tables of raw samples. Pickles are never read."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deploy.recordings.logged import Reading, read_logged
from deploy.recordings.recordings import RecordingError, Recordings, arrange, usual_spacing_s
from deploy.tables.table import TABLE_SUFFIXES
from encoders.modality import ModalitySpec
from streams.messages.codec import decode_window
from streams.messages.rejects import InvalidRecord
from streams.records import SensorWindow

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")


def read_recordings(file: Path, reading: Reading | None = None) -> Recordings:
    """The recordings in a file, or those that come with the product: `watch`.

    Args:
        file: Its name.
        reading: How raw samples are read; without it as their names tell.

    Raises:
        RecordingError: Naming the field, its value and what was wanted.
        TableError: The same, of raw samples.
    """
    if str(file) == "watch" and not file.exists():
        from deploy.recordings.watch import watch_recordings

        return watch_recordings()
    if file.is_dir():
        from deploy.recordings.utd import read_utd_folder

        return read_utd_folder(file)
    if not file.is_file():
        raise RecordingError(f"{file}: no such file")
    if file.suffix in JSON_SUFFIXES:
        return read_json_lines(file)
    if file.suffix == ".npz":
        return read_npz(file)
    if file.suffix.lower() in TABLE_SUFFIXES:
        return read_logged([file], reading or Reading())
    wanted = ".npz, .jsonl, .csv, .parquet, or a folder of UTD-MHAD's .mat files"
    raise RecordingError(f"{file}: ends in {file.suffix!r}, wanted {wanted}")


def read_json_lines(file: Path) -> Recordings:
    """Window records in the wire format, one a line; a modality's shape is that of its first window."""
    windows = []
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                windows.append(_window(line.strip(), f"{file}, line {number}"))
    return from_windows(file.stem, windows)


def from_windows(name: str, windows: Sequence[SensorWindow]) -> Recordings:
    """Windows `[T, C]` as recordings; a modality's shape is that of its first window.

    Raises:
        RecordingError: If there are none, or a modality's name makes no topic.
    """
    first = {window.modality: window for window in reversed(windows)}
    return arrange(name, [_spec_of(modality, one, windows) for modality, one in sorted(first.items())], windows)


def read_npz(file: Path) -> Recordings:
    """For each modality m: `m.values` `[n, T, C]`, `m.source`, `m.start_ns`, and if given `m.label`, `m.rate_hz`."""
    arrays = _arrays(file)
    if "inertial_len" in arrays:
        from deploy.recordings.utd import from_compact

        return from_compact(file.stem, arrays)
    names = [key.removesuffix(".values") for key in arrays if key.endswith(".values")]
    if not names:
        found = ", ".join(list(arrays)[:8]) or "nothing"
        raise RecordingError(f"{file}: wanted an array MODALITY.values for each modality, found {found}")
    specs, windows = [], []
    for name in names:
        of_modality = _windows_of(file, name, arrays)
        windows += of_modality
        specs.append(_spec_of(name, of_modality[0], of_modality, _rate(file, name, arrays)))
    return arrange(file.stem, specs, windows)


def _window(line: bytes, place: str) -> SensorWindow:
    try:
        window = decode_window(line)
    except InvalidRecord as error:
        raise RecordingError(f"{place}: {error.detail}") from error
    if window.values.ndim != 2 or not window.values.size:
        raise RecordingError(f"{place}: values of shape {list(window.values.shape)}, wanted [T, C]")
    return window


def _spec_of(
    name: str, first: SensorWindow, windows: Sequence[SensorWindow], rate_hz: float | None = None
) -> ModalitySpec:
    n_steps, n_channels = first.values.shape
    if rate_hz is None:
        # Without a stated rate: windows are taken to follow one another without overlap.
        rate_hz = n_steps / usual_spacing_s([window for window in windows if window.modality == name])
    try:
        return ModalitySpec(name=name, n_steps=n_steps, n_channels=n_channels, rate_hz=rate_hz)
    except ValueError as error:
        raise RecordingError(str(error)) from error


def _arrays(file: Path) -> dict[str, np.ndarray]:
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as archive:
            return {key: _array(file, archive, key) for key in archive.files}
    except (zipfile.BadZipFile, OSError, ValueError, EOFError) as error:
        raise RecordingError(f"{file}: not an .npz file: {error}") from error


def _array(file: Path, archive: Any, key: str) -> np.ndarray:
    try:
        array: np.ndarray = archive[key]
    except ValueError as error:
        raise RecordingError(f"{file}: {key} holds Python objects, wanted numbers or <U strings") from error
    return array


def _windows_of(file: Path, name: str, arrays: Mapping[str, np.ndarray]) -> list[SensorWindow]:
    values = _field(file, arrays, f"{name}.values", "fiu", 3, None)
    n = len(values)
    if not values.size:
        raise RecordingError(f"{file}: {name}.values has shape {list(values.shape)}, wanted [n, T, C], none of them 0")
    sources = _field(file, arrays, f"{name}.source", "U", 1, n)
    starts = _field(file, arrays, f"{name}.start_ns", "iu", 1, n)
    labelled = f"{name}.label" in arrays
    labels = _field(file, arrays, f"{name}.label", "iuU", 1, n).tolist() if labelled else [None] * n
    rows = values.astype(np.float32)
    return [
        SensorWindow(source_id=source, modality=name, start_ns=start, values=row, label=label)
        for source, start, row, label in zip(sources.tolist(), starts.tolist(), rows, labels, strict=True)
    ]


KINDS = {"fiu": "float32", "U": "strings (<U)", "iu": "int64", "iuU": "int64 or strings (<U)"}


def _field(
    file: Path, arrays: Mapping[str, np.ndarray], key: str, kinds: str, ndim: int, length: int | None
) -> np.ndarray:
    wanted = f"{KINDS[kinds]} of shape {'[n, T, C]' if ndim == 3 else '[n]' if length is None else [length]}"
    if key not in arrays:
        raise RecordingError(f"{file}: {key} is missing, wanted {wanted}")
    array = arrays[key]
    if array.dtype.kind not in kinds or array.ndim != ndim or (length is not None and len(array) != length):
        raise RecordingError(f"{file}: {key} is {array.dtype} of shape {list(array.shape)}, wanted {wanted}")
    return array


def _rate(file: Path, name: str, arrays: Mapping[str, np.ndarray]) -> float | None:
    key = f"{name}.rate_hz"
    if key not in arrays:
        return None
    array = arrays[key]
    if array.size != 1 or array.dtype.kind not in "fiu" or not float(array.item()) > 0:
        shown = array.item() if array.size == 1 else f"of shape {list(array.shape)}"
        raise RecordingError(f"{file}: {key} is {shown}, wanted one number above 0")
    return float(array.item())
