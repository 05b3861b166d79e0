"""What is made of the text files of HuGaDB: whole windows of one activity, of files that are in order."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.data_sets import read_hugadb
from benchmarks.hugadb import AXES, MAX_WINDOWS, RAW_STEPS, Key, convert, corrupted, main
from deploy.recordings.recordings import RecordingError

SENSORS = [f"{sensor}_{part}" for part in ("rf", "rs", "rt", "lf", "ls", "lt") for sensor in ("acc", "gyro")]
COLUMNS = [*(f"{sensor}_{axis}" for sensor in SENSORS for axis in "xyz"), "EMG_r", "EMG_l", "act"]
N_HEADER = 4
# Of subjects whose files are not corrupted; together they have the three that an activity needs.
NAMES = ("walking_01_00", "walking_02_00", "walking_08_01")


def write(folder: Path, name: str, runs: list[tuple[int, int]]) -> Path:
    """A file in HuGaDB's form: runs of an activity, each of so many lines; a column holds its own place."""
    lines = ["#Activity\twalking ", "#ActivityID\t1 ", "#Date 10-20-15-35", "\t".join(COLUMNS)]
    for activity, n_lines in runs:
        values = [*range(len(COLUMNS) - 1), activity]
        lines += n_lines * ["\t".join(map(str, values))]
    file = folder / f"HuGaDB_v1_{name}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")
    return file


def damage(file: Path, number: int, line: str) -> None:
    lines = file.read_text().split("\n")
    lines[number - 1] = line
    file.write_text("\n".join(lines))


def test_each_modality_is_of_its_own_columns_in_its_unit(tmp_path: Path) -> None:
    for name in NAMES:
        write(tmp_path / "Data", name, [(1, RAW_STEPS)])
    found = convert(tmp_path)
    assert (found["subject"].tolist(), found["label"].tolist()) == ([1, 2, 8], [1, 1, 1])
    for name, sensor, scale in (
        ("thigh_acceleration", "acc_rt", 2),
        ("shin_gyroscope", "gyro_rs", 2000),
        ("foot_acceleration", "acc_lf", 2),
    ):
        places = [COLUMNS.index(f"{sensor}_{axis}") for axis in "xyz"]
        wanted = np.tile(np.array(places) * scale / 32768, (3, 200, 1))
        np.testing.assert_allclose(found[name], wanted, rtol=1e-5)


def test_a_window_holds_one_activity_and_is_whole(tmp_path: Path) -> None:
    for name in NAMES:
        write(tmp_path, name, [(1, 2 * RAW_STEPS - 1), (8, 2 * RAW_STEPS), (1, RAW_STEPS - 1)])
    assert Counter(convert(tmp_path)["label"].tolist()) == {1: 3, 8: 6}


def test_so_many_windows_of_a_subject_and_activity_are_drawn_and_always_the_same(tmp_path: Path) -> None:
    for name in NAMES:
        write(tmp_path, name, [(1, (MAX_WINDOWS + 2) * RAW_STEPS), (8, 3 * RAW_STEPS)])
    found, again = convert(tmp_path), convert(tmp_path)
    assert Counter(zip(found["subject"].tolist(), found["label"].tolist(), strict=True)) == {
        (subject, label): n for subject in (1, 2, 8) for label, n in ((1, MAX_WINDOWS), (8, 3))
    }
    own = found["label"][found["subject"] == 1].tolist()
    assert own != sorted(own)
    for name, values in found.items():
        np.testing.assert_array_equal(values, again[name])


def test_an_activity_of_two_subjects_is_dropped(tmp_path: Path) -> None:
    for name, second in zip(NAMES, (9, 9, 8), strict=True):
        write(tmp_path, name, [(1, RAW_STEPS), (second, RAW_STEPS)])
    assert set(convert(tmp_path)["label"].tolist()) == {1}


def test_the_files_that_the_authors_list_as_corrupted_are_left_out(tmp_path: Path) -> None:
    for name in (*NAMES, "walking_03_01", "sitting_in_car_01_14"):
        write(tmp_path, name, [(1, RAW_STEPS)])
    assert convert(tmp_path)["subject"].tolist() == [1, 2, 8]
    # As many as the table in their README has lines, with gaps where it has them.
    assert len(corrupted()) == 465
    assert Key("sitting_in_car", 1, 14) in corrupted() and Key("sitting_in_car", 1, 7) not in corrupted()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1\t2\t3", "3 values, wanted 39"),
        ("\t".join(["x"] * 39), "wanted whole numbers"),
        ("\t".join(["1"] * 38 + ["13"]), "activity 13, wanted 1 to 12"),
    ],
)
def test_a_damaged_line_is_told_with_its_file_and_number(tmp_path: Path, line: str, said: str) -> None:
    file = write(tmp_path, NAMES[0], [(1, RAW_STEPS)])
    damage(file, N_HEADER + 7, line)
    with pytest.raises(RecordingError, match=rf"{file.name}, line 11: .*{said}"):
        convert(tmp_path)


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    damage(write(tmp_path, NAMES[0], [(1, RAW_STEPS)]), N_HEADER, "\t".join(one for one in COLUMNS if one != AXES[4]))
    with pytest.raises(RecordingError, match=rf"{NAMES[0]}\.txt, line 4: no column {AXES[4]}"):
        convert(tmp_path)


def test_two_versions_of_a_recording_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path, NAMES[0], [(1, RAW_STEPS)])
    (tmp_path / file.name.replace("_v1_", "_v2_")).write_text(file.read_text())
    with pytest.raises(RecordingError, match="the same recording as"):
        convert(tmp_path)


@pytest.mark.parametrize(
    ("names", "said"),
    [((), "no usable HuGaDB"), (NAMES[:2], "windows of 3 subjects"), (("walking_x",), "wanted a name")],
)
def test_a_folder_of_which_nothing_can_be_made_is_refused(tmp_path: Path, names: tuple[str, ...], said: str) -> None:
    for name in names:
        write(tmp_path, name, [(1, RAW_STEPS)])
    with pytest.raises(RecordingError, match=said):
        convert(tmp_path)


def test_the_command_writes_what_the_reader_reads_and_counts_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in NAMES:
        write(tmp_path, name, [(1, RAW_STEPS), (2, 2 * RAW_STEPS)])
    main([str(tmp_path), str(tmp_path / "hugadb.npz")])
    assert read_hugadb(tmp_path / "hugadb.npz").sources == ("subject-1", "subject-2", "subject-8")
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "9 windows of 3 subjects"
    assert shown[2].split() == ["running", "6", "(1:", "2,", "2:", "2,", "8:", "2)"]


def test_the_command_tells_what_is_wrong_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path), str(tmp_path / "hugadb.npz")])
    assert "no usable HuGaDB_v*.txt" in capsys.readouterr().err
