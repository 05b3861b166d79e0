"""What columns are taken to be, and how times are counted."""

from pathlib import Path

import numpy as np
import pytest

from deploy.tables.columns import Columns, guessed_groups
from deploy.tables.samples import Understood, joined, read_samples
from deploy.tables.table import TableError
from deploy.tables.times import START_NS, Unit
from encoders.modality import ModalitySpec

T_NS = 1_700_000_000_000_000_000


def read(tmp_path: Path, text: str, said: Columns | None = None, name: str = "node-1.csv") -> Understood:
    file = tmp_path / name
    file.write_text(text)
    return read_samples(file, said)


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("1700000000", "1700000001", "Unix time in s"),
        ("1700000000.0", "1700000001.0", "Unix time in s"),
        ("1700000000000", "1700000001000", "Unix time in ms"),
        ("1700000000000000", "1700000001000000", "Unix time in us"),
        ("1700000000000000000", "1700000001000000000", "Unix time in ns"),
        ("2023-11-14T22:13:20Z", "2023-11-14T23:13:21+01:00", "ISO 8601, UTC where no zone is named"),
        ("2023-11-14 22:13:20", "2023-11-14 22:13:21.000", "ISO 8601, UTC where no zone is named"),
    ],
)
def test_the_unit_of_times_is_told_by_their_magnitude(tmp_path: Path, first: str, second: str, told: str) -> None:
    understood = read(tmp_path, f"time,ax\n{first},1\n{second},2\n")
    assert str(understood.clock) == told
    assert understood.samples[0].times_ns.tolist() == [T_NS, T_NS + 10**9]


@pytest.mark.parametrize(
    ("name", "step", "said", "unit"),
    [
        ("time", "0.02", None, "s"),
        ("time_ms", "20", None, "ms"),
        ("t [us]", "20000", None, "us"),
        ("timestamp (ns)", "20000000", None, "ns"),
        ("time", "20", "ms", "ms"),
    ],
)
def test_times_from_a_start_of_their_own_are_said_and_counted_from_one(
    tmp_path: Path, name: str, step: str, said: Unit | None, unit: str
) -> None:
    understood = read(tmp_path, f"{name},ax\n0,1\n{step},2\n", Columns(unit=said))
    assert str(understood.clock) == f"{unit} from a start of their own, which is taken to be 2020-01-01T00:00:00+00:00"
    assert understood.samples[0].times_ns.tolist() == [START_NS, START_NS + 20_000_000]


def test_whole_times_in_ns_are_exact(tmp_path: Path) -> None:
    understood = read(tmp_path, f"time,ax\n{T_NS + 1},1\n{T_NS + 3},2\n")
    assert understood.samples[0].times_ns.tolist() == [T_NS + 1, T_NS + 3]


def test_a_wide_table_has_a_modality_for_each_group_of_columns(tmp_path: Path) -> None:
    text = "time,az,ay,ax,gyro_x [rad/s],gyro_y [rad/s],gyro_z [rad/s],temp (C),emg1,emg2,index,note\n"
    text += "0.0,3,2,1,4,5,6,20,7,8,0,hi\n0.1,3,2,1,4,,6,,7,8,1,ho\n"
    understood = read(tmp_path, text)
    found = {one.modality: (one.channels, one.unit, len(one.values)) for one in understood.samples}
    assert found == {
        "accelerometer": (("ax", "ay", "az"), "", 2),
        "gyroscope": (("gyro_x [rad/s]", "gyro_y [rad/s]", "gyro_z [rad/s]"), "rad/s", 1),
        "emg": (("emg1", "emg2"), "", 2),
        "temp": (("temp (C)",), "C", 1),
    }
    np.testing.assert_array_equal(understood.samples[0].values[0], [1, 2, 3])
    said = "\n".join(understood.lines())
    assert "node node-1; times in column time, s from a start of their own" in said
    assert "gyroscope: gyro_x [rad/s], gyro_y [rad/s], gyro_z [rad/s]; dropped: 1 rows without a number" in said
    assert "passed over: index, note" in said


def test_a_long_table_has_a_row_for_each_modality(tmp_path: Path) -> None:
    text = "time,device,sensor,v1,v2,activity\n1.0,b,acc,1,2,walk\n1.0,a,temperature,20,,sit\n"
    text += "1.0,a,acc,3,4,sit\n1.5,a,acc,5,6,sit\n"
    understood = read(tmp_path, text)
    found = {(one.source_id, one.modality): one.values.tolist() for one in understood.samples}
    assert found == {
        ("a", "accelerometer"): [[3, 4], [5, 6]],
        ("a", "temperature"): [[20]],
        ("b", "accelerometer"): [[1, 2]],
    }
    assert understood.samples[0].labels is not None
    assert understood.samples[0].labels.tolist() == ["sit", "sit"]


def test_bare_axes_are_of_what_the_file_is_called_after(tmp_path: Path) -> None:
    (folder := tmp_path / "wrist-7").mkdir()
    (samples,) = read(folder, "time,z,y,x\n0.5,3,2,1\n", name="Gyroscope.csv").samples
    assert (samples.source_id, samples.modality, samples.values.tolist()) == ("wrist-7", "gyroscope", [[1, 2, 3]])


def test_the_settings_name_modalities_and_columns() -> None:
    known = {
        "imu": ModalitySpec(name="imu", n_channels=2, n_steps=5, rate_hz=1, channels=("b", "ax")),
        "acc": ModalitySpec(name="acc", n_channels=2, n_steps=5, rate_hz=1),
    }
    assert guessed_groups(["ax", "b", "acc_y", "acc_z"], "f", known) == {"imu": ("b", "ax"), "acc": ("acc_y", "acc_z")}


def test_what_is_said_of_the_columns_wins(tmp_path: Path) -> None:
    said = Columns(time="b", unit="ms", node="c", label="a", groups={"imu": ("x1", "z")})
    (samples,) = read(tmp_path, "time,a,b,c,x1,z\n9,walk,20,n,1,2\n9,sit,40,n,3,4\n", said).samples
    assert (samples.source_id, samples.modality, samples.values.tolist()) == ("n", "imu", [[1, 2], [3, 4]])
    assert np.diff(samples.times_ns).tolist() == [20_000_000]
    with pytest.raises(TableError, match=r"no column 'w', wanted one of time, ax"):
        read(tmp_path, "time,ax\n1,2\n", Columns(groups={"imu": ("w",)}))


def test_samples_that_repeat_a_time_are_dropped_and_counted(tmp_path: Path) -> None:
    understood = read(tmp_path, "time,ax\n1.0,1\n1.0,2\n1.5,3\n")
    assert understood.samples[0].values.tolist() == [[1], [3]]
    assert "  dropped: 1 samples at the time of the one before" in list(understood.lines())


def test_files_that_follow_one_another_are_joined_and_others_refused(tmp_path: Path) -> None:
    parts = [read(tmp_path, f"time,node,ax\n{at}.5,n,{at}\n{at}.9,n,0\n").samples[0] for at in (2, 1)]
    (one,) = joined(parts)
    assert one.values[:, 0].tolist() == [1, 0, 2, 0]
    assert (np.diff(one.times_ns) > 0).all()
    with pytest.raises(TableError, match="n, ax: two files have samples of the same time"):
        joined([parts[0], parts[0]])


@pytest.mark.parametrize(("step_s", "rate_hz"), [(0.02, 50), (0.0200046, 50), (0.032, 31.25), (10, 0.1)])
def test_the_rate_is_that_of_the_median_step(tmp_path: Path, step_s: float, rate_hz: float) -> None:
    times = [i * step_s + 0.001 for i in range(9)]
    text = "time,ax\n" + "".join(f"{time:.7f},1\n" for time in [*times, times[-1] + 60])
    assert read(tmp_path, text).samples[0].rate_hz == pytest.approx(rate_hz)
