"""UTD-MHAD, for users who have it: whole actions as windows of accelerometer, gyroscope and skeleton.

Reads the official files, one recording a file (`a1_s1_t1_inertial.mat`, `a1_s1_t1_skeleton.mat`), or the same numbers
in one `.npz`. Every recording is resampled to one length, the skeleton is taken relative to the hip.
A subject plays its actions in a shuffled order, always the same: sorted, all would do the same thing at the same time.
Source: Chen, Jafari, Kehtarnavaz, UTD-MHAD, ICIP 2015.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np

from deploy.recordings.recordings import NS_PER_S, RecordingError, Recordings, arrange
from encoders.modality import ModalitySpec
from streams.records import SensorWindow

# Action, subject, trial, inertial `[T, 6]`, skeleton `[T, 60]`.
Recorded: TypeAlias = tuple[int, int, int, np.ndarray, np.ndarray]

NAME = re.compile(r"a(\d+)_s(\d+)_t(\d+)_inertial\.mat")
INERTIAL_STEPS, SKELETON_STEPS = 120, 60
INERTIAL_HZ, SKELETON_HZ = 50.0, 30.0
N_JOINTS, HIP = 20, 3
# Longer than any action, so that each recording of a subject has a slot of its own.
SPACING_S = 10

SPECS = (
    ModalitySpec(name="acc", n_channels=3, n_steps=INERTIAL_STEPS, rate_hz=INERTIAL_HZ, unit="g"),
    ModalitySpec(name="gyroscope", n_channels=3, n_steps=INERTIAL_STEPS, rate_hz=INERTIAL_HZ, unit="deg/s"),
    ModalitySpec(name="skeleton", n_channels=60, n_steps=SKELETON_STEPS, rate_hz=SKELETON_HZ, unit="m"),
)


def read_utd_folder(folder: Path) -> Recordings:
    """The recordings of a folder that holds the official files, in it or below.

    Raises:
        RecordingError: If there are none, or one has no skeleton beside it.
    """
    from scipy.io import loadmat

    def recordings() -> Iterator[Recorded]:
        for file in sorted(folder.rglob("*_inertial.mat")):
            if not (match := NAME.fullmatch(file.name)):
                raise RecordingError(f"{file}: wanted a name such as a1_s1_t1_inertial.mat")
            beside = file.with_name(file.name.replace("inertial", "skeleton"))
            if not beside.exists():
                beside = next(folder.rglob(beside.name), beside)
            if not beside.exists():
                raise RecordingError(f"{beside.name}: not found in {folder}, wanted beside {file.name}")
            skeleton = loadmat(beside)["d_skel"].reshape(N_JOINTS * 3, -1).T
            action, subject, trial = map(int, match.groups())
            yield action, subject, trial, loadmat(file)["d_iner"], skeleton

    return arrange("utd-mhad", SPECS, _windows(recordings()), shared="acc")


def from_compact(name: str, arrays: Mapping[str, np.ndarray]) -> Recordings:
    """The same from one archive: `inertial`, `skeleton` recordings in a row, `*_len`, `action`, `subject`, `trial`."""
    parts = [
        np.split(arrays[modality], np.cumsum(arrays[f"{modality}_len"])[:-1]) for modality in ("inertial", "skeleton")
    ]
    numbers = [arrays[name].tolist() for name in ("action", "subject", "trial")]
    rows = zip(*numbers, *parts, strict=True)
    return arrange(name, SPECS, _windows(rows), shared="acc")


def _windows(recordings: Iterable[Recorded]) -> Iterator[SensorWindow]:
    played: dict[str, int] = {}
    ordered = sorted(recordings, key=lambda one: one[:3])
    for number in np.random.default_rng(0).permutation(len(ordered)).tolist():
        action, subject, _, inertial, skeleton = ordered[number]
        source = f"subject-{subject}"
        slot = played.get(source, 0)
        played[source] = slot + 1
        moving = resampled(inertial, INERTIAL_STEPS)
        body = resampled(skeleton, SKELETON_STEPS).reshape(SKELETON_STEPS, N_JOINTS, 3)
        body = (body - body[:, HIP : HIP + 1]).reshape(SKELETON_STEPS, -1)
        for name, values in (("acc", moving[:, :3]), ("gyroscope", moving[:, 3:]), ("skeleton", body)):
            yield SensorWindow(
                source_id=source,
                modality=name,
                start_ns=slot * SPACING_S * NS_PER_S,
                values=np.ascontiguousarray(values, dtype=np.float32),
                label=action,
            )


def resampled(values: np.ndarray, n_steps: int) -> np.ndarray:
    """Values `[T, C]` at `n_steps` evenly spaced moments of the same span, by linear interpolation."""
    old = np.linspace(0, 1, len(values))
    new = np.linspace(0, 1, n_steps)
    return np.stack([np.interp(new, old, channel) for channel in values.T], axis=1)
