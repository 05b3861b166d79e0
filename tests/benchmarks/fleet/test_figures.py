"""Figures are paired: same stream, same order, same seed."""

import pytest
from rich.console import Console

from benchmarks.fleet.figures import Figures, measure
from benchmarks.fleet.table import table
from deploy.recordings.recordings import Recordings

N_SEEDS = 2


@pytest.fixture(scope="module")
def found(fleet: Recordings) -> dict[str, dict[str, Figures]]:
    descriptors, disorders = ["oriented", "rotation-tolerant"], ["half in m/s2", "all rotated"]
    return measure({"synthetic": fleet}, descriptors, disorders, seeds=N_SEEDS)["synthetic"]


def test_the_undisturbed_stream_is_always_there_and_first(found: dict[str, dict[str, Figures]]) -> None:
    assert list(found["rotation-tolerant"]) == ["undisturbed", "half in m/s2", "all rotated"]


def test_other_units_change_nothing(found: dict[str, dict[str, Figures]]) -> None:
    assert found["oriented"]["half in m/s2"].difference.values == (0, 0)


def test_differences_are_taken_seed_by_seed(found: dict[str, dict[str, Figures]]) -> None:
    rotated, still = found["rotation-tolerant"]["all rotated"], found["rotation-tolerant"]["undisturbed"]
    oriented = found["oriented"]["all rotated"].precision.values
    for i in range(N_SEEDS):
        own = rotated.precision.values[i]
        assert rotated.difference.values[i] == pytest.approx(own - still.precision.values[i])
        assert rotated.from_oriented.values[i] == pytest.approx(own - oriented[i])


def test_the_table_has_a_row_for_each_disorder_of_each_descriptor(found: dict[str, dict[str, Figures]]) -> None:
    console = Console(record=True, width=160)
    shown = table("synthetic", 72, found)
    console.print(shown)
    assert shown.row_count == 6
    assert found["oriented"]["all rotated"].precision.cell() in console.export_text()
