from pathlib import Path

import numpy as np
import pytest

from encoders.modality import ModalitySpec
from tests.support.recorded import recorded, small_settings
from trainer.candidate import bundle_of
from trainer.checkpoints.checkpoint import CheckpointError, CheckpointFolder, admitted_twice
from trainer.checkpoints.progress import Progress, Resumption, resumption, save
from trainer.learner import Learner

RECORDED = recorded(n_slots=5)
PROGRESS = Progress({0: 1, 3: 0}, {0: 7, 3: 2}, {1: 5}, parent_version=4)


def saved(folder: Path) -> tuple[Learner, Resumption]:
    learner = Learner(RECORDED.world.specs, RECORDED.world.shared, small_settings())
    for binding in RECORDED.bindings:
        learner.admit(binding, RECORDED.samples)
    learner.run_cycle()
    assert save(CheckpointFolder(folder), learner, PROGRESS, 0) == 1
    found = resumption(CheckpointFolder(folder))
    assert found is not None
    return learner, found


def test_there_is_nothing_to_resume_before_the_first_checkpoint(tmp_path: Path) -> None:
    assert resumption(CheckpointFolder(tmp_path)) is None


def test_comes_back_from_its_facts() -> None:
    assert Progress.from_facts(PROGRESS.facts()) == PROGRESS


def test_names_the_samples_that_must_be_found_and_makes_the_learner_of_them(tmp_path: Path) -> None:
    learner, found = saved(tmp_path)
    assert (found.number, found.progress, found.sample_ids) == (1, PROGRESS, learner.sample_ids)
    samples = {name: RECORDED.samples[name] for name in found.sample_ids}
    twin = found.learner(learner.specs, learner.shared, learner.settings, samples, "cpu")
    assert twin.run_cycle() == learner.run_cycle()
    mine, yours = learner.snapshot(), twin.snapshot()
    assert all((value == yours.arrays[name]).all() for name, value in mine.arrays.items())


def test_admissions_are_saved_once(tmp_path: Path) -> None:
    learner, _ = saved(tmp_path)
    save(CheckpointFolder(tmp_path), learner, PROGRESS, 1)
    assert admitted_twice(tmp_path) == 0
    assert len(CheckpointFolder(tmp_path).admitted(2)) == learner.counts["admitted"]


@pytest.mark.parametrize("changes", [{"dim": 8}, {"width": 16}])
def test_says_when_the_settings_are_others(tmp_path: Path, changes: dict[str, object]) -> None:
    learner, found = saved(tmp_path)
    with pytest.raises(CheckpointError, match="checkpoint 1 does not fit the settings"):
        found.learner(learner.specs, learner.shared, small_settings(**changes), {}, "cpu")


def test_says_when_the_shared_modality_is_another(tmp_path: Path) -> None:
    learner, found = saved(tmp_path)
    with pytest.raises(CheckpointError, match="its shared modality is 'acceleration', the settings' 'gravity'"):
        found.learner(learner.specs, "gravity", learner.settings, {}, "cpu")


def test_a_modality_more_in_the_settings_is_no_hindrance(tmp_path: Path) -> None:
    learner, found = saved(tmp_path)
    skeleton = ModalitySpec(name="skeleton", n_channels=4, n_steps=20, rate_hz=4.0)
    specs = {**learner.specs, "skeleton": skeleton}
    twin = found.learner(specs, learner.shared, learner.settings, RECORDED.samples, "cpu")
    weights, wanted = bundle_of(twin, 1, 0, 0).weights, bundle_of(learner, 1, 0, 0).weights
    assert weights.keys() == wanted.keys()
    np.testing.assert_array_equal(weights["gravity"]["stem.bias"], wanted["gravity"]["stem.bias"])
