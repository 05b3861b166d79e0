"""Each data set becomes what its reader says, and one that is missing says what is wanted."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.data_sets import (
    FILES,
    MHEALTH,
    UTD,
    WATCH,
    MissingDataError,
    present,
    read_data_set,
    read_hugadb,
    read_mex,
    read_mhealth,
    with_two_modalities,
)
from deploy.recordings.recordings import Recordings, restrict


def test_without_the_variable_it_says_which_file_is_wanted_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MMBIND_TEST_DATA", raising=False)
    with pytest.raises(MissingDataError, match=r"no UTD-MHAD: wanted utd_mhad\.npz .* MMBIND_TEST_DATA .* not set"):
        read_data_set(UTD)


def test_a_folder_without_the_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MMBIND_TEST_DATA", str(tmp_path))
    with pytest.raises(MissingDataError, match=str(tmp_path)):
        read_data_set(MHEALTH)


def test_the_watch_is_always_there_and_others_if_their_file_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MMBIND_TEST_DATA", str(tmp_path))
    (tmp_path / FILES[MHEALTH]).touch()
    assert present([WATCH, UTD, MHEALTH]) == [WATCH, MHEALTH]


def test_windows_of_mhealth_follow_one_another_in_each_source(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    acc, gyro = rng.normal(size=(2, 3, 100, 3))
    file = tmp_path / "mhealth.npz"
    np.savez(file, acc_chest=acc, gyro_wrist=gyro, label=np.array([4, 5, 4]), subject=np.array([1, 2, 1]))
    found = read_mhealth(file)
    assert (found.shared, found.sources, found.hop_s) == ("acc", ("subject-1", "subject-2"), 2.0)
    last = next(one for one in found.windows if one.source_id == "subject-1" and one.start_ns == 2_000_000_000)
    assert (last.modality, last.label) == ("acc", 4)
    np.testing.assert_array_equal(last.values, acc[2].astype(np.float32))


def test_mex_is_cut_where_both_sensors_were_there(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    # Of 12 s two windows of 5 s can be cut; in the second recording the camera is missing.
    n_acc, n_depth = 1200, 12
    file = tmp_path / "mex.npz"
    np.savez(
        file,
        acc_thigh=rng.normal(size=(2 * n_acc, 3)),
        acc_thigh_len=np.array([n_acc, n_acc]),
        acc_thigh_time=np.tile(np.arange(n_acc) / 100, 2),
        depth=rng.normal(size=(n_depth, 192)),
        depth_len=np.array([n_depth, 0]),
        depth_time=np.arange(n_depth, dtype=float),
        label=np.array([3, 6]),
        subject=np.array([7, 8]),
    )
    found = read_mex(file)
    assert found.sources == ("subject-7",)
    shapes = [(one.modality, one.values.shape, one.label) for one in found.windows]
    assert shapes == 2 * [("acc", (200, 3), 3), ("depth", (5, 192), 3)]


def test_of_three_subjects_of_hugadb_one_lacks_the_foot_one_the_shin_and_one_nothing(tmp_path: Path) -> None:
    thigh, shin, foot = np.random.default_rng(0).normal(size=(3, 5, 200, 3))
    file = tmp_path / "hugadb.npz"
    np.savez(
        file,
        thigh_acceleration=thigh,
        shin_gyroscope=shin,
        foot_acceleration=foot,
        label=np.array([1, 2, 8, 1, 1]),
        subject=np.array([2, 2, 10, 11, 12]),
    )
    found = read_hugadb(file)
    assert (found.shared, found.hop_s, len(found.windows)) == ("thigh-acceleration", 4.0, 15)
    # In order of numbers, where 10 comes after 2.
    lacking = {
        ("subject-2", "foot-acceleration"),
        ("subject-10", "shin-gyroscope"),
        ("subject-12", "foot-acceleration"),
    }
    assert found.hidden == lacking
    second = next(one for one in found.windows if one.start_ns == 4_000_000_000 and one.modality == "shin-gyroscope")
    assert (second.source_id, second.label) == ("subject-2", 2)
    np.testing.assert_array_equal(second.values, shin[1].astype(np.float32))


def test_of_two_modalities_nothing_is_hidden_and_nobody_held_out(recordings: Recordings) -> None:
    source = recordings.sources[0]
    hidden = restrict(recordings, [f"{source}:gravity"], [source], shared="acceleration")
    both = with_two_modalities(hidden, "gyroscope", "gravity")
    assert (both.shared, list(both.specs)) == ("gyroscope", ["gyroscope", "gravity"])
    assert len(both.visible) == 2 * len(recordings.windows) / 3
    assert not both.held_out
