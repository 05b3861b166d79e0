"""The data sets of all benchmarks: which there are, where they lie, and how each becomes recordings.

The watch comes with a package; the files of the others lie in the folder that MMBIND_TEST_DATA names.
"""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from deploy.recordings.files import read_recordings
from deploy.recordings.recordings import NS_PER_S, Recordings, arrange
from deploy.recordings.utd import resampled
from encoders.modality import ModalitySpec
from streams.records import SensorWindow

FOLDER_VARIABLE = "MMBIND_TEST_DATA"
WATCH, UTD, MHEALTH, MEX, HUGADB = "watch", "utd", "mhealth", "mex", "hugadb"
TITLES = {WATCH: "the watch recordings", UTD: "UTD-MHAD", MHEALTH: "MHEALTH", MEX: "MEx", HUGADB: "HuGaDB"}
FILES = {
    UTD: "utd_mhad.npz",
    MHEALTH: "mhealth_chestacc_wristgyro.npz",
    MEX: "mex_acc_depth.npz",
    HUGADB: "hugadb.npz",
}
# Nothing was tuned on these, and so that it stays so they are read only when asked for by name.
UNSEEN = (HUGADB,)
# MHEALTH comes cut into windows of so many steps at 50 Hz.
MHEALTH_S, MHEALTH_STEPS = 2, 100
# As long as the watch's windows; 200 steps are 40 Hz, and the sensor sends 100 a second: one with gaps has them too.
MEX_S, MEX_STEPS = 5, 200
# `benchmarks.hugadb` cuts it so, at 50 Hz. The first modality is shared.
HUGADB_S, HUGADB_STEPS = 4, 200
HUGADB_MODALITIES = ("thigh-acceleration", "shin-gyroscope", "foot-acceleration")
HUGADB_UNITS = ("g", "deg/s", "g")


class MissingDataError(FileNotFoundError):
    """A data set is not where it was looked for; the message says what is wanted."""


def read_data_set(name: str) -> Recordings:
    """The recordings of a data set, named as in `TITLES`.

    Raises:
        MissingDataError: If its file is not there.
        RecordingError: If it cannot be used.
    """
    if name == WATCH:
        return read_recordings(Path(WATCH))
    file = file_of(name)
    if name == UTD:
        return read_recordings(file)
    readers = {MHEALTH: read_mhealth, MEX: read_mex, HUGADB: read_hugadb}
    return readers[name](file)


def file_of(name: str) -> Path:
    """Where the file of a data set lies, for any but the watch.

    Raises:
        MissingDataError: If it is not there.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    file = Path(folder or "") / FILES[name]
    if not folder or not file.is_file():
        found = f"it names {folder!r}" if folder else "it is not set"
        raise MissingDataError(
            f"no {TITLES[name]}: wanted {FILES[name]} in the folder that {FOLDER_VARIABLE} names; {found}"
        )
    return file


def present(names: Iterable[str]) -> list[str]:
    """Those of the data sets that are there."""
    return [name for name in names if _is_there(name)]


def _is_there(name: str) -> bool:
    if name == WATCH:
        return True
    try:
        file_of(name)
    except MissingDataError:
        return False
    return True


def with_two_modalities(recordings: Recordings, shared: str, other: str) -> Recordings:
    """All windows of two modalities, nothing hidden and nobody held out."""
    kept = [one for one in recordings.windows if one.modality in (shared, other)]
    return arrange(recordings.name, [recordings.specs[name] for name in (shared, other)], kept, shared)


def read_mhealth(file: Path) -> Recordings:
    """Chest acceleration, shared, and a gyroscope at the wrist, in windows of 2 s, z-scored by its publisher."""
    arrays = _arrays(file)
    windows: list[SensorWindow] = []
    slots: dict[int, int] = {}
    for i, (subject, label) in enumerate(zip(arrays["subject"].tolist(), arrays["label"].tolist(), strict=True)):
        slot = slots[subject] = slots.get(subject, -1) + 1
        values = {"acc": arrays["acc_chest"][i], "gyroscope": arrays["gyro_wrist"][i]}
        windows += _windows(f"subject-{subject}", slot * MHEALTH_S, values, label)
    rate_hz = MHEALTH_STEPS / MHEALTH_S
    specs = [
        ModalitySpec(name=name, n_channels=3, n_steps=MHEALTH_STEPS, rate_hz=rate_hz) for name in ("acc", "gyroscope")
    ]
    return arrange(MHEALTH, specs, windows, shared="acc")


def read_mex(file: Path) -> Recordings:
    """Thigh acceleration, shared, and a depth camera at 1 Hz, in windows of 5 s."""
    arrays = _arrays(file)
    ends = {name: np.cumsum(arrays[f"{name}_len"]) for name in ("acc_thigh", "depth")}
    parts = {
        key: np.split(arrays[key], ends[key.removesuffix("_time")][:-1])
        for key in ("acc_thigh", "acc_thigh_time", "depth", "depth_time")
    }
    windows: list[SensorWindow] = []
    slots: dict[int, int] = {}
    for i, (subject, label) in enumerate(zip(arrays["subject"].tolist(), arrays["label"].tolist(), strict=True)):
        times = [parts["acc_thigh_time"][i], parts["depth_time"][i]]
        last = min((one[-1] if len(one) else 0.0) for one in times)
        for start in np.arange(0, last - MEX_S, MEX_S):
            inside = [(one >= start) & (one < start + MEX_S) for one in times]
            if inside[0].sum() < MEX_STEPS or inside[1].sum() < MEX_S - 1:
                continue
            slot = slots[subject] = slots.get(subject, -1) + 1
            values = {
                "acc": resampled(parts["acc_thigh"][i][inside[0]], MEX_STEPS),
                "depth": resampled(parts["depth"][i][inside[1]], MEX_S),
            }
            windows += _windows(f"subject-{subject}", slot * MEX_S, values, label)
    specs = [
        ModalitySpec(name="acc", n_channels=3, n_steps=MEX_STEPS, rate_hz=MEX_STEPS / MEX_S),
        ModalitySpec(name="depth", n_channels=192, n_steps=MEX_S, rate_hz=1.0),
    ]
    return arrange(MEX, specs, windows, shared="acc")


def read_hugadb(file: Path) -> Recordings:
    """Thigh acceleration, shared, a gyroscope at the shin and acceleration at the other foot, in windows of 4 s.

    Of every three subjects, in order of their numbers, the first lacks the foot, the second the shin, and the third has
    all: so two kinds of nodes have something to be told, and the third can bear witness.
    """
    arrays = _arrays(file)
    shared, shin, foot = HUGADB_MODALITIES
    windows: list[SensorWindow] = []
    slots: dict[int, int] = {}
    for i, (subject, label) in enumerate(zip(arrays["subject"].tolist(), arrays["label"].tolist(), strict=True)):
        slot = slots[subject] = slots.get(subject, -1) + 1
        values = {name: arrays[name.replace("-", "_")][i] for name in HUGADB_MODALITIES}
        windows += _windows(f"subject-{subject}", slot * HUGADB_S, values, label)
    rate_hz = HUGADB_STEPS / HUGADB_S
    specs = [
        ModalitySpec(name=name, n_channels=3, n_steps=HUGADB_STEPS, rate_hz=rate_hz, unit=unit)
        for name, unit in zip(HUGADB_MODALITIES, HUGADB_UNITS, strict=True)
    ]
    lacking = (foot, shin, None)
    roles = ((f"subject-{subject}", lacking[place % len(lacking)]) for place, subject in enumerate(sorted(slots)))
    hidden = frozenset((source, name) for source, name in roles if name)
    return replace(arrange(HUGADB, specs, windows, shared), hidden=hidden)


def _arrays(file: Path) -> dict[str, np.ndarray]:
    with np.load(file, allow_pickle=False) as archive:
        return dict(archive)


def _windows(source_id: str, start_s: int, values: dict[str, np.ndarray], label: int) -> list[SensorWindow]:
    start_ns = start_s * NS_PER_S
    return [
        SensorWindow(source_id=source_id, modality=name, start_ns=start_ns, values=np.array(one, "f4"), label=label)
        for name, one in values.items()
    ]
