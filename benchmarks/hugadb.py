"""Makes `hugadb.npz` of the text files of HuGaDB, for the benchmarks that are asked for it by name.

    python -m benchmarks.hugadb FOLDER OUT.npz

FOLDER is the unpacked zip of github.com/romanchereshnev/HuGaDB, of either version, not both. Of every file windows of
4 s are cut, one after the other from where an activity begins to where it ends, and resampled to 50 Hz: the
accelerometer at the right thigh (g), the gyroscope at the right shin (deg/s), the accelerometer at the left foot (g).
Files whose gyroscopes the authors list as corrupted are left out, whichever of the six it is. At most 16 windows of a
subject and activity are drawn, always the same, and a subject's come in random order: in that of the files all would do
the same thing at the same time. Printed are the windows of each activity, by subject.

Source: Chereshnev, Kertesz-Farkas, HuGaDB, AIST 2017, arXiv 1705.08506. Only the files of version 1 have been read.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.data_sets import HUGADB_MODALITIES, HUGADB_S, HUGADB_STEPS
from deploy.recordings.recordings import RecordingError
from deploy.recordings.utd import resampled

# As the paper has it. The times in the authors' README would make it 58.8, and a window 4 % shorter.
RAW_HZ = 56.35
RAW_STEPS = round(HUGADB_S * RAW_HZ)
MAX_WINDOWS, MIN_SUBJECTS, SEED = 16, 3, 0
# Full scale of the sensors, in int16.
ACCELERATION, GYROSCOPE = 2 / 32768, 2000 / 32768
SCALES = dict(zip(HUGADB_MODALITIES, (ACCELERATION, GYROSCOPE, ACCELERATION), strict=True))
AXES = [f"{sensor}_{axis}" for sensor in ("acc_rt", "gyro_rs", "acc_lf") for axis in "xyz"]
ACTIVITY = "act"
ACTIVITIES = (
    "walking",
    "running",
    "going up",
    "going down",
    "sitting",
    "sitting down",
    "standing up",
    "standing",
    "bicycling",
    "up by elevator",
    "down by elevator",
    "sitting in car",
)
NAME = re.compile(r"HuGaDB_v\d+_(\w+)_(\d+)_(\d+)\.txt")
# `HuGaDB_v1_ACTIVITY_SUBJECT_NUMBER.txt` as `SUBJECT:NUMBERS`: all 465 files of "Corrupted gyroscope data" in the
# authors' README of which at least one gyroscope is.
CORRUPTED = {
    "running": "3:0-1 7:0-2 9:0-2",
    "sitting": "3:0-3 4:0-2 5:0-1 6:4 7:1-4 8:0 9:0-3 10:0,4 11:0-3 12:0-3 13:0-6 14:0-3 15:0-3 16:0-5 17:0-6 18:0-3",
    "sitting_in_car": "1:0-6,8-14",
    "standing": "1:0,3 3:0 4:0-3 5:0-1 6:0 7:0-1,3 8:0-3 9:0-4 10:1,3 11:0-4 12:0-4 13:0-3 15:0-4 16:0-4 17:0-3 18:0-4",
    "various": "3:0-24 4:0-19 5:0-20 7:0-24 9:0-8,13-20 11:4-20 12:0-18 13:7-24 14:0-21 15:0-9,11 16:0-19 17:0-2,4-23 "
    "18:0-16",
    "walking": "3:0-1 4:0-5 5:0-3 6:3,5 7:0-4 9:0-3 11:0-3 12:0-6 13:0-3 14:0-4 15:0-10 16:0-4 17:0-6 18:0-3",
}


class Key(NamedTuple):
    """What a file's name says: the activity it was recorded for, the subject, and which of such files it is."""

    activity: str
    subject: int
    number: int


class Window(NamedTuple):
    """Values `[RAW_STEPS, 9]` as they stand in a file, and the one activity that holds for them, from 1."""

    subject: int
    activity: int
    values: np.ndarray


def main(given: Sequence[str] | None = None) -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds the text files, in it or below")
    parser.add_argument("out", type=Path, help="the .npz to write")
    asked = parser.parse_args(given)
    try:
        arrays = convert(asked.folder)
    except RecordingError as error:
        parser.error(str(error))
    np.savez_compressed(asked.out, **arrays)  # type: ignore[arg-type]
    print("\n".join(summary(arrays)))


def convert(folder: Path) -> dict[str, np.ndarray]:
    """What `hugadb.npz` holds: modalities `[n, steps, 3]`, `subject` and `label` (the activity, from 1), each `[n]`.

    Raises:
        RecordingError: If there is no file, one is damaged, or a recording is there twice.
    """
    read = [one for key, file in sorted(_files(folder).items()) for one in _windows(key.subject, file)]
    chosen = drawn(read)
    if not chosen:
        raise RecordingError(f"{folder}: no activity has windows of {MIN_SUBJECTS} subjects, wanted at least one")
    values = np.stack([resampled(one.values, HUGADB_STEPS) for one in chosen])
    modalities = {
        name.replace("-", "_"): (part * SCALES[name]).astype(np.float32)
        for name, part in zip(HUGADB_MODALITIES, np.split(values, len(HUGADB_MODALITIES), axis=2), strict=True)
    }
    subject, label = (np.array([one[place] for one in chosen]) for place in (0, 1))
    return {**modalities, "subject": subject, "label": label}


def corrupted() -> set[Key]:
    """The files that are left out."""
    found = set()
    for activity, subjects in CORRUPTED.items():
        for one in subjects.split():
            subject, _, numbers = one.partition(":")
            for span in numbers.split(","):
                first, _, last = span.partition("-")
                found |= {Key(activity, int(subject), number) for number in range(int(first), int(last or first) + 1)}
    return found


def drawn(windows: Sequence[Window]) -> list[Window]:
    """So many of each subject and activity at most, subject by subject in random order, without rare activities."""
    groups: dict[tuple[int, int], list[Window]] = {}
    for one in windows:
        groups.setdefault((one.subject, one.activity), []).append(one)
    n_subjects = Counter(activity for _, activity in groups)
    kept: dict[int, list[Window]] = {}
    for (subject, activity), group in sorted(groups.items()):
        if n_subjects[activity] >= MIN_SUBJECTS:
            places = np.random.default_rng([SEED, subject, activity]).permutation(len(group))[:MAX_WINDOWS]
            kept.setdefault(subject, []).extend(group[place] for place in places)
    return [
        own[place]
        for subject, own in kept.items()
        for place in np.random.default_rng([SEED, subject]).permutation(len(own))
    ]


def summary(arrays: dict[str, np.ndarray]) -> Iterator[str]:
    """How many windows there are of each activity, and of whom."""
    subjects, labels = arrays["subject"], arrays["label"]
    yield f"{len(labels)} windows of {len(set(subjects.tolist()))} subjects"
    for label in sorted(set(labels.tolist())):
        own = Counter(subjects[labels == label].tolist())
        counts = ", ".join(f"{subject}: {own[subject]}" for subject in sorted(own))
        yield f"{ACTIVITIES[label - 1]:16} {own.total():4}  ({counts})"


def _files(folder: Path) -> dict[Key, Path]:
    """All but the corrupted ones."""
    left_out = corrupted()
    found: dict[Key, Path] = {}
    for file in sorted(folder.rglob("HuGaDB_v*.txt")):
        if not (match := NAME.fullmatch(file.name)):
            raise RecordingError(f"{file}: wanted a name such as HuGaDB_v1_walking_17_02.txt")
        key = Key(match[1], int(match[2]), int(match[3]))
        if key in found:
            raise RecordingError(f"{file}: the same recording as {found[key]}, wanted one version only")
        if key not in left_out:
            found[key] = file
    if not found:
        raise RecordingError(f"{folder}: no usable HuGaDB_v*.txt in it or below, wanted the unpacked zip")
    return found


def _windows(subject: int, file: Path) -> Iterator[Window]:
    rows = np.array(list(_rows(file)), float).reshape(-1, len(AXES) + 1)
    begins = np.flatnonzero(np.diff(rows[:, -1])) + 1
    for part in np.split(rows, begins):
        for start in range(0, len(part) - RAW_STEPS + 1, RAW_STEPS):
            yield Window(subject, int(part[0, -1]), part[start : start + RAW_STEPS, :-1])


def _rows(file: Path) -> Iterator[list[int]]:
    """The axes and the activity of each line, whose columns the first line without # names."""
    wanted = [*AXES, ACTIVITY]
    names: list[str] = []
    places: list[int] = []
    with file.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            cells = line.split()
            if line.startswith("#"):
                continue
            if not names:
                names = cells
                if missing := [one for one in wanted if one not in names]:
                    raise RecordingError(f"{file}, line {number}: no column {missing[0]}, wanted {', '.join(wanted)}")
                places = [names.index(one) for one in wanted]
                continue
            yield _row(cells, places, len(names), f"{file}, line {number}")


def _row(cells: Sequence[str], places: Sequence[int], n_cells: int, where: str) -> list[int]:
    if len(cells) != n_cells:
        raise RecordingError(f"{where}: {len(cells)} values, wanted {n_cells}")
    chosen = [cells[place] for place in places]
    try:
        row = [int(one) for one in chosen]
    except ValueError:
        raise RecordingError(f"{where}: {' '.join(chosen)}, wanted whole numbers") from None
    if not 1 <= row[-1] <= len(ACTIVITIES):
        raise RecordingError(f"{where}: activity {row[-1]}, wanted 1 to {len(ACTIVITIES)}")
    return row


if __name__ == "__main__":
    main()
