"""Encoders fine-tuned with few labels."""

from collections import Counter

from benchmarks.learning.arms import Task, product_settings
from benchmarks.learning.classifier import Finetuned, some_labelled
from benchmarks.learning.data import World
from benchmarks.learning.training import trained_offline


def test_labels_are_spread_evenly_over_classes(world: World) -> None:
    counts = Counter(one.label for one in some_labelled(world.labelled, 6, seed=1))
    assert set(counts.values()) == {2}


def test_fine_tuning_learns_what_it_is_shown(world: World) -> None:
    settings = product_settings(world, 0)
    weights = trained_offline(Task(world, "untrained", settings, 0)).weights
    tuned = Finetuned(world, weights, world.labelled, settings.trainer, n_epochs=20)
    assert tuned.figures(world.labelled)["accuracy"] > 0.9
    assert tuned.figures(world.labelled)["macro_f1"] > 0.9
