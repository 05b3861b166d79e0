"""Raw samples of tables become windows."""

from pathlib import Path

import numpy as np
import pytest

from deploy.recordings.files import read_recordings
from deploy.recordings.logged import Reading, read_logged
from deploy.recordings.recordings import RecordingError
from deploy.tables.columns import Columns
from encoders.modality import ModalitySpec

T0 = 1_700_000_000


def logged(folder: Path, node: str, times: list[float], head: str = "time,ax,ay,az,activity") -> Path:
    file = folder / f"{node}.csv"
    rows = (f"{T0 + at:.3f},{at:.3f},{-at:.3f},1,{'walk' if at < 7.5 else 'sit'}" for at in times)
    file.write_text("\n".join([head, *rows]) + "\n")
    return file


def test_a_csv_file_is_replayed_as_windows(tmp_path: Path) -> None:
    read = read_recordings(logged(tmp_path, "node-1", [i / 10 for i in range(151)]))
    found = [(one.source_id, one.modality, one.start_ns - T0 * 10**9, one.label) for one in read.windows]
    assert found == [
        ("node-1", "accelerometer", at * 10**9, label) for at, label in ((0, "walk"), (5, "sit"), (10, "sit"))
    ]
    assert read.specs["accelerometer"].n_steps == 50
    np.testing.assert_allclose(read.windows[1].values[:, 0], 5 + np.arange(50) / 10, atol=1e-4)


def test_samples_are_brought_to_the_rate_of_the_settings(tmp_path: Path) -> None:
    known = {"acc": ModalitySpec(name="acc", n_channels=3, n_steps=100, rate_hz=20)}
    file = logged(tmp_path, "node-1", [i / 10 + 0.03 for i in range(151)])
    read = read_recordings(file, Reading(Columns(known=known)))
    assert read.specs == known
    np.testing.assert_allclose(read.windows[0].values[:, 0], 0.03 + np.arange(100) / 20, atol=1e-3)
    assert len({one.start_ns for one in read.windows}) == len(read.windows) == 3


def test_nothing_is_made_up_in_a_gap(tmp_path: Path) -> None:
    times = [i / 10 for i in range(101)] + [12 + i / 10 for i in range(101)]
    read = read_recordings(logged(tmp_path, "node-1", times))
    assert [(one.start_ns - T0 * 10**9) // 10**9 for one in read.windows] == [0, 5, 15]


def test_several_files_are_nodes_of_one_recording_and_what_was_understood_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    files = [logged(tmp_path, f"node-{i}", [at / 10 for at in range(60)]) for i in (1, 2)]
    read = read_logged(files, Reading(tell=told.append))
    assert read.sources == ("node-1", "node-2")
    assert told[0].endswith("node-1.csv: node node-1; times in column time, Unix time in s")
    assert told[-1] == "accelerometer: 2 windows [50, 3] of 2 nodes, at 10 Hz"


def test_what_cannot_be_cut_is_named(tmp_path: Path) -> None:
    short = logged(tmp_path, "node-1", [0.0, 0.1, 0.2])
    with pytest.raises(RecordingError, match="node-1: no whole window of 5 s without a gap, wanted at least one"):
        read_recordings(short)
    known = {"acc": ModalitySpec(name="acc", n_channels=2, n_steps=100, rate_hz=20)}
    with pytest.raises(RecordingError, match="node-1, acc: ax, ay, az are 3 channels, wanted 2"):
        read_recordings(short, Reading(Columns(known=known)))


def test_sensors_of_a_node_that_begin_at_other_times_are_cut_at_the_same_ones(tmp_path: Path) -> None:
    rows = [f"{T0 + i / 10:.1f},1,{'' if i < 13 else 2}" for i in range(151)]
    (tmp_path / "node-1.csv").write_text("\n".join(["time,light,heat", *rows]) + "\n")
    starts: dict[str, list[int]] = {"light": [], "heat": []}
    for one in read_recordings(tmp_path / "node-1.csv").windows:
        starts[one.modality].append(one.start_ns // 10**9 - T0)
    assert starts == {"light": [0, 5, 10], "heat": [5, 10]}


def test_the_last_window_may_lack_its_last_step(tmp_path: Path) -> None:
    assert len(read_recordings(logged(tmp_path, "node-1", [i / 10 for i in range(149)])).windows) == 3
