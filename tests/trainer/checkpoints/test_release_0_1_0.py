"""A checkpoint that release 0.1.0 wrote is gone on from; one of a later major is not, and says so."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tests.support.recorded import recorded, small_settings
from trainer.checkpoints.checkpoint import STATE, SUMS, CheckpointFolder, CheckpointTooNew
from trainer.checkpoints.progress import resumption

FIXTURE = Path(__file__).parents[2] / "fixtures" / "release_0_1_0" / "checkpoints"


def changed(root: Path, number: int, **fields: object) -> CheckpointFolder:
    """The checkpoint of release 0.1.0 as that number, with a state that says something else."""
    folder = root / str(number)
    shutil.copytree(FIXTURE / "1", folder)
    old = (folder / STATE).read_bytes()
    new = json.dumps(json.loads(old) | {"number": number} | fields).encode()
    (folder / STATE).write_bytes(new)
    sums = (folder / SUMS).read_text()
    (folder / SUMS).write_text(sums.replace(hashlib.sha256(old).hexdigest(), hashlib.sha256(new).hexdigest()))
    return CheckpointFolder(root)


def test_training_goes_on_from_it(tmp_path: Path) -> None:
    assert b"schema" not in (FIXTURE / "1" / STATE).read_bytes()
    shutil.copytree(FIXTURE, tmp_path / "checkpoints")
    record = recorded(n_slots=4, n_sources=4)
    resumed = resumption(CheckpointFolder(tmp_path / "checkpoints"))
    assert resumed is not None
    settings = small_settings(dim=8, width=8, cycle_bindings=8)
    learner = resumed.learner(record.world.specs, record.world.shared, settings, record.samples, "cpu")
    assert (learner.cycles.n_done, learner.n_missing, resumed.progress.next_pairs) == (1, 0, {0: 5})
    assert len(learner.run_cycle().losses) == settings.steps_per_cycle


def test_what_a_later_minor_added_is_left_aside(tmp_path: Path) -> None:
    assert changed(tmp_path, 4, schema="1.3", of_a_later_release=[1]).latest() is not None


def test_one_of_a_later_major_is_refused_and_none_before_it_is_taken(tmp_path: Path) -> None:
    changed(tmp_path, 4)
    with pytest.raises(CheckpointTooNew, match=r"schema 2\.0.*move the checkpoints away"):
        changed(tmp_path, 5, schema="2.0").latest()
