"""What is missing is filled as each baseline does it."""

import numpy as np
import pytest

from benchmarks.learning.arms import product_settings
from benchmarks.learning.baselines import FILLED, filled
from benchmarks.learning.data import World


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
