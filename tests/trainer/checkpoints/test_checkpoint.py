import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from streams.records import Partner
from trainer.checkpoints.checkpoint import (
    Checkpoint,
    CheckpointError,
    CheckpointFolder,
    admitted_twice,
    load_checkpoint,
)
from trainer.replay.buffer import ReplayEntry

EDGES = (ReplayEntry("a@1", 2, (Partner(sample_id="b@1", similarity=0.1, probability=1 / 3),)),)


def checkpoint(parent: int = 0, admissions: tuple[tuple[str, int], ...] = (("a@1", 2),)) -> Checkpoint:
    arrays: dict[str, np.ndarray] = {
        "step/w": np.arange(6, dtype=np.float32).reshape(2, 3),
        "step/n": np.array(7, np.int64),
    }
    facts = {"random": {"state": 2**127 + 1}, "quantile": 0.1, "offsets": {"pairs": {"0": 5}}, "none": None}
    return Checkpoint(arrays, facts, EDGES, admissions, parent)


def test_gives_back_what_was_saved(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(checkpoint())
    found = folder.latest()
    assert found is not None
    assert (found.facts, found.edges, found.admissions) == (checkpoint().facts, EDGES, (("a@1", 2),))
    assert (found.number, found.parent) == (1, 0)
    for name, value in checkpoint().arrays.items():
        np.testing.assert_array_equal(found.arrays[name], value, strict=True)


def test_there_is_no_latest_before_the_first(tmp_path: Path) -> None:
    assert CheckpointFolder(tmp_path / "none").latest() is None


def test_numbers_go_up_and_name_their_parent(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    first = folder.save(checkpoint())
    second = folder.save(checkpoint(parent=first.number))
    assert (second.number, second.parent) == (2, 1)


def test_its_sums_are_those_of_sha256sum(tmp_path: Path) -> None:
    CheckpointFolder(tmp_path).save(checkpoint())
    assert len((tmp_path / "1" / "SHA256SUMS").read_text().splitlines()) == 4


@pytest.mark.parametrize("name", ["weights.safetensors", "edges.msgpack", "state.json", "admissions.jsonl"])
@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, harm: str) -> None:
    CheckpointFolder(tmp_path).save(checkpoint())
    file = tmp_path / "1" / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data[:-1] if harm == "cut" else data)
    if harm == "remove":
        file.unlink()
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(tmp_path / "1")


def test_a_damaged_newest_one_gives_way_to_the_one_before(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(checkpoint())
    folder.save(checkpoint(parent=1))
    (tmp_path / "2" / "weights.safetensors").write_bytes(b"")
    found = folder.latest()
    assert found is not None and found.number == 1
    assert "weights.safetensors" in caplog.text
    assert folder.save(checkpoint(parent=1)).number == 3


def test_says_so_when_none_is_whole(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(checkpoint())
    (tmp_path / "1" / "SHA256SUMS").unlink()
    with pytest.raises(CheckpointError, match="none of the checkpoints"):
        folder.latest()


def test_a_write_that_fails_half_way_leaves_the_last_one_in_place(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(checkpoint())
    (tmp_path / ".2.part").mkdir()
    (tmp_path / ".2.part" / "weights.safetensors").write_bytes(b"half")
    found = folder.latest()
    assert found is not None and found.number == 1
    folder.save(checkpoint(parent=1))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["1", "2"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="denied"):
        CheckpointFolder(tmp_path).save(checkpoint())
    tmp_path.chmod(0o700)


def test_a_root_that_is_a_file_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError):
        CheckpointFolder(tmp_path / "file").save(checkpoint())


def test_older_ones_keep_their_admissions_only(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, kept=2)
    for number in range(4):
        folder.save(checkpoint(number, ((f"a@{number}", 0),)))
    assert sorted(one.name for one in (tmp_path / "1").iterdir()) == ["admissions.jsonl", "state.json"]
    assert [load_checkpoint(tmp_path / name).number for name in "34"] == [3, 4]
    assert folder.admitted(4) == [(f"a@{number}", 0) for number in range(4)]


def test_the_oldest_are_removed_once_enough_admissions_are_remembered(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, kept=1, remembered=3)
    for number in range(6):
        folder.save(checkpoint(number, ((f"a@{number}", 0),)))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["4", "5", "6"]
    assert folder.admitted(6) == [(f"a@{number}", 0) for number in (3, 4, 5)]


def test_counts_admissions_that_repeat_one_of_their_lineage(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, kept=1)
    assert admitted_twice(tmp_path / "none") == 0
    folder.save(checkpoint(0, (("a@1", 0), ("a@2", 0))))
    folder.save(checkpoint(1, (("a@1", 1),)))
    assert admitted_twice(tmp_path) == 0
    folder.save(checkpoint(2, (("a@2", 0), ("a@1", 0))))
    assert admitted_twice(tmp_path) == 2


def test_a_branch_that_was_given_up_does_not_count(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(checkpoint(0, (("a@1", 0),)))
    folder.save(checkpoint(1, (("a@2", 0),)))
    folder.save(checkpoint(1, (("a@2", 0),)))
    assert admitted_twice(tmp_path) == 0


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    saved = CheckpointFolder(tmp_path).save(replace(checkpoint(), edges=()))
    state = tmp_path / str(saved.number) / "state.json"
    state.write_text(json.dumps({"number": 1}))
    with pytest.raises(CheckpointError, match=r"state\.json"):
        load_checkpoint(tmp_path / "1")
