"""MMBind's protocol on a small synthetic world."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning.arms import Task, product_settings
from benchmarks.learning.baselines import FILLED, filled
from benchmarks.learning.classifier import Finetuned, some_labelled
from benchmarks.learning.data import World, rotated
from benchmarks.learning.finetune import ARMS, Protocol, Tuning, measure, run, summary, table
from benchmarks.learning.training import trained_offline
from deploy.recordings.recordings import arrange
from streams.testing import SyntheticWorld


@pytest.fixture(scope="module")
def world() -> World:
    sensors = SyntheticWorld(8, 3, n_complete=8)
    return rotated(arrange("synthetic", sensors.specs.values(), sensors.windows(12), sensors.shared), 0)


@pytest.mark.parametrize("how", FILLED)
def test_filled_samples_lack_nothing_and_keep_what_was_there(world: World, how: str) -> None:
    samples, specs = filled(world, how, product_settings(world, 0).trainer, n_steps=2)
    for name, sample in samples.items():
        true = world.train[name]
        assert set(sample.windows) == set(world.recordings.specs)
        for modality in true.windows:
            n_channels = true.windows[modality].shape[1]
            assert specs[modality].n_channels == n_channels + (how == "presence")
            assert np.array_equal(sample.scaled(modality)[:, :n_channels], true.scaled(modality))
        (missing,) = sample.windows.keys() - true.windows.keys()
        assert bool(sample.windows[missing].any()) == (how == "generated")


def test_labels_are_spread_evenly_over_classes(world: World) -> None:
    counts = Counter(one.label for one in some_labelled(world.labelled, 6, seed=1))
    assert set(counts.values()) == {2}


def test_fine_tuning_learns_what_it_is_shown(world: World) -> None:
    settings = product_settings(world, 0)
    weights = trained_offline(Task(world, "untrained", settings, 0)).weights
    tuned = Finetuned(world, weights, world.labelled, settings.trainer, n_epochs=20)
    assert tuned.figures(world.labelled)["accuracy"] > 0.9
    assert tuned.figures(world.labelled)["macro_f1"] > 0.9


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_gives_accuracy_and_f1(world: World, arm: str) -> None:
    row = measure(Protocol(n_steps=2, n_epochs=1, labels=(6,)), [world], Tuning(arm, 0, 0))
    assert set(row.encoders) == {"accuracy/6", "macro_f1/6"}
    assert table(summary([row]), [6], "").row_count == 1


def test_what_was_tuned_before_is_not_tuned_again(world: World, tmp_path: Path) -> None:
    plan, file = [Tuning("lower", 0, 0), Tuning("lower", 0, 1)], tmp_path / "rows.jsonl"
    protocol = Protocol(n_steps=2, n_epochs=1, labels=(6,))
    rows = run(protocol, [world], plan, file)
    assert run(protocol, [world], plan, file) == rows
    other = run(Protocol(n_steps=2, n_epochs=2, labels=(6,)), [world], plan, file)
    assert {row.fingerprint for row in other}.isdisjoint({row.fingerprint for row in rows})
