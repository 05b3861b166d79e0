"""Each disorder does what it says and nothing else."""

import numpy as np
import pytest

from benchmarks.fleet.data import in_random_order
from benchmarks.fleet.disorders import DISORDERS, STANDARD_GRAVITY, rotation
from deploy.recordings.recordings import Recordings
from streams.records import SensorWindow


def disturbed(recordings: Recordings, name: str, seed: int = 0) -> tuple[list[SensorWindow], list[SensorWindow]]:
    windows = in_random_order(recordings, seed)
    return windows, DISORDERS[name](windows, recordings.shared, np.random.default_rng(seed))


@pytest.mark.parametrize("name", DISORDERS)
def test_every_disorder_keeps_order_shape_and_the_other_modalities(fleet: Recordings, name: str) -> None:
    before, after = disturbed(fleet, name)
    assert [(one.source_id, one.modality) for one in after] == [(one.source_id, one.modality) for one in before]
    for old, new in zip(before, after, strict=True):
        assert new.values.shape == old.values.shape and new.values.dtype == np.float32
        assert old.modality == fleet.shared or new.values is old.values
    changed = [new is not old for old, new in zip(before, after, strict=True)]
    assert any(changed) == (name != "undisturbed")


def test_the_same_seed_disturbs_the_same_way(fleet: Recordings) -> None:
    (_, first), (_, second) = (disturbed(fleet, "all rotated", 3) for _ in range(2))
    assert all(np.array_equal(one.values, other.values) for one, other in zip(first, second, strict=True))


def test_half_of_the_sources_have_other_units(fleet: Recordings) -> None:
    before, after = disturbed(fleet, "half in m/s2")
    assert len({new.source_id for old, new in zip(before, after, strict=True) if new is not old}) == 3
    old, new = next(pair for pair in zip(before, after, strict=True) if pair[0] is not pair[1])
    np.testing.assert_allclose(new.values, old.values * STANDARD_GRAVITY, rtol=1e-6)


def test_one_source_is_rotated(fleet: Recordings) -> None:
    before, after = disturbed(fleet, "one rotated")
    assert len({new.source_id for old, new in zip(before, after, strict=True) if new is not old}) == 1


def test_a_rotation_mirrors_nothing() -> None:
    rotated = rotation(np.random.default_rng(0))
    np.testing.assert_allclose(rotated @ rotated.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotated) == pytest.approx(1)
