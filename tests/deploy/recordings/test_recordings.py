import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy.recordings import watch
from deploy.recordings.files import read_recordings
from deploy.recordings.recordings import RecordingError, Recordings, arrange, restrict
from encoders.modality import ModalitySpec
from streams.messages.codec import encode
from streams.records import SensorWindow


def arrays(**changed: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "acc.values": np.arange(3 * 4 * 2, dtype=np.float32).reshape(3, 4, 2),
        "acc.source": np.array(["a", "b", "a"]),
        "acc.start_ns": np.array([0, 0, 5_000_000_000]),
        "acc.label": np.array(["walk", "walk", "sit"]),
        "acc.rate_hz": 2.0,
        "gyro.values": np.ones((1, 8, 3), np.float32),
        "gyro.source": np.array(["a"]),
        "gyro.start_ns": np.array([0]),
    }
    return {key.replace("__", "."): value for key, value in {**made, **changed}.items() if value is not None}


def saved(tmp_path: Path, **changed: Any) -> Path:
    file = tmp_path / "some.npz"
    np.savez(file, **{key.replace("__", "."): value for key, value in arrays(**changed).items()})
    return file


def complaint(file: Path) -> str:
    with pytest.raises(RecordingError) as caught:
        read_recordings(file)
    return str(caught.value).removeprefix(f"{file}: ")


def test_an_npz_file_becomes_windows_in_order_of_time(tmp_path: Path) -> None:
    read = read_recordings(saved(tmp_path))
    assert [(one.source_id, one.modality, one.start_ns, one.label) for one in read.windows] == [
        ("a", "acc", 0, "walk"),
        ("a", "gyro", 0, None),
        ("b", "acc", 0, "walk"),
        ("a", "acc", 5_000_000_000, "sit"),
    ]
    np.testing.assert_array_equal(read.windows[3].values, arrays()["acc.values"][2])
    assert read.specs["acc"] == ModalitySpec(name="acc", n_channels=2, n_steps=4, rate_hz=2.0)
    assert (read.shared, read.hop_s) == ("acc", 5.0)


def test_without_a_rate_windows_are_taken_to_follow_one_another(tmp_path: Path) -> None:
    read = read_recordings(saved(tmp_path, **{"acc.rate_hz": None}))
    assert read.specs["acc"].rate_hz == pytest.approx(4 / 5)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"acc.source": None}, "acc.source is missing, wanted strings (<U) of shape [3]"),
        ({"acc.source": np.arange(3)}, "acc.source is int64 of shape [3], wanted strings (<U) of shape [3]"),
        ({"acc.start_ns": np.zeros(3)}, "acc.start_ns is float64 of shape [3], wanted int64 of shape [3]"),
        ({"acc.start_ns": np.zeros(2, int)}, "acc.start_ns is int64 of shape [2], wanted int64 of shape [3]"),
        ({"acc.values": np.zeros((3, 4), np.float32)}, "acc.values is float32 of shape [3, 4], wanted float32 of"),
        ({"acc.values": np.zeros((0, 4, 2), np.float32)}, "acc.values has shape [0, 4, 2], wanted [n, T, C], none"),
        ({"acc.label": np.zeros((3, 2), int)}, "acc.label is int64 of shape [3, 2], wanted int64 or strings (<U) of"),
        ({"acc.rate_hz": -1.0}, "acc.rate_hz is -1.0, wanted one number above 0"),
        ({"acc.source": np.array(["a", None, "b"], object)}, "acc.source holds Python objects, wanted numbers or <U"),
        ({"acc.values": None, "gyro.values": None}, "wanted an array MODALITY.values for each modality, found acc."),
    ],
)
def test_a_wrong_array_is_named_with_what_was_wanted(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    assert complaint(saved(tmp_path, **changed)).startswith(message)


def test_a_modality_name_that_makes_no_topic_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "some.npz"
    np.savez(file, **{key.replace("acc", "Acc 1"): value for key, value in arrays().items()})
    assert "wanted lower-case letters" in complaint(file)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "some.npz"
    broken.write_bytes(b"PK\x03\x04 no archive")
    assert complaint(broken).startswith("not an .npz file")
    other = tmp_path / "some.xml"
    other.write_text("1,2")
    assert "wanted .npz, .jsonl" in complaint(other)
    assert complaint(tmp_path / "none.npz") == "no such file"


def test_json_lines_hold_window_records(tmp_path: Path) -> None:
    windows = [
        SensorWindow(source_id="a", modality="acc", start_ns=t * 10**9, values=np.ones((4, 2), np.float32), label=1)
        for t in (2, 0)
    ]
    file = tmp_path / "some.jsonl"
    file.write_bytes(b"\n".join(encode(one, "json") for one in windows) + b"\n\n")
    read = read_recordings(file)
    assert [(one.start_ns, one.label) for one in read.windows] == [(0, 1), (2 * 10**9, 1)]
    assert read.specs["acc"] == ModalitySpec(name="acc", n_channels=2, n_steps=4, rate_hz=2.0)


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text('{"source_id": "a", "modality": "acc", "start_ns": 0, "values": [[1]]}\n{"source_id": 1}\n')
    with pytest.raises(RecordingError, match=r"some\.jsonl, line 2: source_id: undecodable"):
        read_recordings(file)


def fleet() -> Recordings:
    specs = [ModalitySpec(name=name, n_channels=1, n_steps=2, rate_hz=1) for name in ("x", "s", "y")]
    windows = [
        SensorWindow(source_id=source, modality=name, start_ns=0, values=np.ones((2, 1), np.float32))
        for source, names in {"a": "sx", "b": "sy", "c": "sxy", "d": "x"}.items()
        for name in names
    ]
    return arrange("fleet", specs, windows)


def test_the_shared_modality_is_the_one_that_most_sources_have() -> None:
    assert fleet().shared == "x"
    assert restrict(fleet(), hide=["c:x"]).shared == "s"
    assert restrict(fleet(), hide=["c:x"], shared="y").shared == "y"


def test_hidden_windows_do_not_reach_the_stream_and_stay_as_evidence() -> None:
    hidden = restrict(fleet(), hide=["c:x"], hold_out=["b"])
    assert ("c", "x") not in {(one.source_id, one.modality) for one in hidden.visible}
    assert len(hidden.windows) == len(fleet().windows) == len(hidden.visible) + 1
    assert hidden.held_out == {"b"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hide": ["c"]}, "--hide c: wanted SOURCE:MODALITY"),
        ({"hide": ["c:z"]}, "--hide c:z: no modality 'z', wanted one of x, s, y"),
        ({"hold_out": ["e"]}, "no source 'e' in fleet, wanted one of a, b, c, d"),
        ({"shared": "z"}, "--shared z: wanted one of x, s, y, or label"),
    ],
)
def test_a_wrong_restriction_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordingError, match=f"^{message}$"):
        restrict(fleet(), **arguments)


def test_the_watch_becomes_nodes_that_lack_a_modality_each() -> None:
    read = watch.watch_recordings()
    lacking: dict[str, int] = {}
    for source in read.sources:
        has = {one.modality for one in read.visible if one.source_id == source}
        lacking[" ".join(sorted(set(read.specs) - has))] = lacking.get(" ".join(sorted(set(read.specs) - has)), 0) + 1
    assert lacking == {"gravity": 8, "gyroscope": 8, "": 4}
    assert sum(one.modality == read.shared for one in read.windows) == 910
    assert {one.label for one in read.windows} == {"PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"}
    assert all(one.values.shape == (250, 3) and np.isfinite(one.values).all() for one in read.windows)


def test_a_short_watch_plays_the_first_windows_of_every_recording_without_a_gap() -> None:
    whole, short = watch.watch_recordings(), watch.watch_recordings(n_windows=2)
    known = {(one.source_id, one.modality, one.values.tobytes(), one.label) for one in whole.windows}
    assert (short.sources, short.hidden, short.held_out) == (whole.sources, whole.hidden, whole.held_out)
    for source in short.sources:
        own = [one for one in short.windows if (one.source_id, one.modality) == (source, short.shared)]
        assert [one.start_ns for one in own] == [watch.START_NS + slot * 5 * 10**9 for slot in range(7 * 2)]
        assert all(own[i].label == own[i + 1].label for i in range(0, len(own), 2))
        assert len({one.label for one in own}) == 7
    assert all((one.source_id, one.modality, one.values.tobytes(), one.label) in known for one in short.windows)


def test_gravity_and_linear_acceleration_add_up_to_the_watch() -> None:
    read = watch.watch_recordings()
    first = {
        one.modality: one.values
        for one in read.windows
        if one.source_id == "person-01-left" and one.start_ns == watch.START_NS
    }
    raw = watch.read_watch_file()
    row = next(
        i for i, (person, side) in enumerate(zip(raw["subject"], raw["side"], strict=True)) if (person, side) == (1, 0)
    )
    np.testing.assert_allclose(first["gravity"] + first["linear-acceleration"], raw["X"][row][:250, :3], atol=1e-5)


def test_another_pickle_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "SHA256", "0" * 64)
    with pytest.raises(RecordingError, match="not read, since it is a pickle"):
        watch.read_watch_file()


def official_files(folder: Path, inertial: np.ndarray, skeleton: np.ndarray) -> None:
    from scipy.io import savemat

    savemat(folder / "a5_s3_t1_inertial.mat", {"d_iner": inertial})
    savemat(folder / "a5_s3_t1_skeleton.mat", {"d_skel": skeleton.T.reshape(20, 3, -1)})


def test_official_utd_files_hold_the_same_as_the_archive(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    inertial, skeleton = rng.normal(size=(150, 6)), rng.normal(size=(90, 60))
    official_files(tmp_path, inertial, skeleton)
    archive = tmp_path / "utd.npz"
    parts: dict[str, Any] = {"inertial": inertial, "skeleton": skeleton}
    parts |= {"inertial_len": [150], "skeleton_len": [90], "action": [5], "subject": [3], "trial": [1]}
    np.savez(archive, **parts)
    for one, other in zip(read_recordings(tmp_path).windows, read_recordings(archive).windows, strict=True):
        assert (one.source_id, one.modality, one.label) == (other.source_id, other.modality, other.label)
        np.testing.assert_allclose(one.values, other.values, rtol=1e-6)


def test_a_utd_recording_without_its_skeleton_is_named(tmp_path: Path) -> None:
    official_files(tmp_path, np.ones((150, 6)), np.ones((90, 60)))
    (tmp_path / "a5_s3_t1_skeleton.mat").unlink()
    with pytest.raises(RecordingError, match=r"a5_s3_t1_skeleton\.mat: not found"):
        read_recordings(tmp_path)


def test_utd_has_eight_subjects_and_27_actions() -> None:
    folder = os.environ.get("MMBIND_TEST_DATA")
    if not folder:
        pytest.skip("MMBIND_TEST_DATA is not set: no UTD-MHAD here")
    read = read_recordings(Path(folder) / "utd_mhad.npz")
    assert (len(read.windows), len(read.sources), read.shared) == (3 * 861, 8, "acc")
    assert {one.label for one in read.windows} == set(range(1, 28))
