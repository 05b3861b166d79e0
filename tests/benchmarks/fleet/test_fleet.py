"""The fleet benchmark on a small synthetic world: each disorder does what it says, and the figures are paired."""

import json

import numpy as np
import pytest
from rich.console import Console

from benchmarks.fleet.command import arguments, as_json, measure, table
from benchmarks.fleet.data import in_random_order, run
from benchmarks.fleet.disorders import DISORDERS, STANDARD_GRAVITY, rotation
from deploy.recordings.recordings import Recordings, arrange
from streams.records import SensorWindow
from streams.settings import BindingSettings
from streams.testing import SyntheticWorld

BINDING = BindingSettings(calibration=False)


@pytest.fixture(scope="module")
def recordings() -> Recordings:
    world = SyntheticWorld(6, 3, n_complete=6)
    return arrange("synthetic", world.specs.values(), world.windows(12), world.shared)


def disturbed(recordings: Recordings, name: str, seed: int = 0) -> tuple[list[SensorWindow], list[SensorWindow]]:
    windows = in_random_order(recordings, seed)
    return windows, DISORDERS[name](windows, recordings.shared, np.random.default_rng(seed))


@pytest.mark.parametrize("name", DISORDERS)
def test_every_disorder_keeps_order_shape_and_the_other_modalities(recordings: Recordings, name: str) -> None:
    before, after = disturbed(recordings, name)
    assert [(one.source_id, one.modality) for one in after] == [(one.source_id, one.modality) for one in before]
    for old, new in zip(before, after, strict=True):
        assert new.values.shape == old.values.shape and new.values.dtype == np.float32
        assert old.modality == recordings.shared or new.values is old.values
    changed = [new is not old for old, new in zip(before, after, strict=True)]
    assert any(changed) == (name != "undisturbed")


def test_the_same_seed_disturbs_the_same_way(recordings: Recordings) -> None:
    (_, first), (_, second) = (disturbed(recordings, "all rotated", 3) for _ in range(2))
    assert all(np.array_equal(one.values, other.values) for one, other in zip(first, second, strict=True))


def test_half_of_the_sources_have_other_units_and_one_is_rotated(recordings: Recordings) -> None:
    before, after = disturbed(recordings, "half in m/s2")
    changed = {new.source_id for old, new in zip(before, after, strict=True) if new is not old}
    assert len(changed) == 3
    old, new = next(pair for pair in zip(before, after, strict=True) if pair[0] is not pair[1])
    np.testing.assert_allclose(new.values, old.values * STANDARD_GRAVITY, rtol=1e-6)
    before, after = disturbed(recordings, "one rotated")
    assert len({new.source_id for old, new in zip(before, after, strict=True) if new is not old}) == 1


def test_a_rotation_mirrors_nothing() -> None:
    turned = rotation(np.random.default_rng(0))
    np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turned) == pytest.approx(1)


def test_wrong_clocks_of_sources_change_nothing_and_those_of_sensors_part_samples(recordings: Recordings) -> None:
    still, sources, sensors = (
        run(recordings, name, 0, BINDING) for name in ("undisturbed", "clocks of sources", "clocks of sensors")
    )
    assert still.natural_edges == sources.natural_edges == 1
    assert sensors.natural_edges < 1
    assert still.precision() == sources.precision() > 0.5


def test_figures_are_paired_with_the_undisturbed_stream_and_fit_into_json(recordings: Recordings) -> None:
    descriptors, disorders = ["oriented", "rotation-tolerant"], ["half in m/s2", "all rotated"]
    figures = measure({"synthetic": recordings}, descriptors, disorders, seeds=2)
    found = figures["synthetic"]
    assert list(found["rotation-tolerant"]) == ["undisturbed", "half in m/s2", "all rotated"]
    assert found["oriented"]["half in m/s2"].difference == (0, 0)
    rotated = found["rotation-tolerant"]["all rotated"]
    still = found["rotation-tolerant"]["undisturbed"]
    for i in range(2):
        assert rotated.difference[i] == pytest.approx(rotated.precision[i] - still.precision[i])
        oriented = found["oriented"]["all rotated"].precision[i]
        assert rotated.from_oriented[i] == pytest.approx(rotated.precision[i] - oriented)
    as_numbers = json.loads(json.dumps(as_json(figures, 2), allow_nan=False))
    assert as_numbers["sets"]["synthetic"]["rotation-tolerant"]["all rotated"]["precision"]["mean"] == np.mean(
        rotated.precision
    )
    console = Console(record=True, width=160)
    console.print(table("synthetic", 72, found))
    assert "all rotated" in console.export_text()


def test_an_unknown_disorder_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--disorders", "earthquake"])
    assert "earthquake: wanted some of undisturbed" in capsys.readouterr().err
