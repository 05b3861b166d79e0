"""What grows in the arms of the growth benchmark, and what is told of them."""

import itertools

import pytest
from rich.console import Console

from benchmarks.speed.growth import (
    N_EXTRA,
    N_KINDS,
    binding,
    feeding,
    figures_of,
    in_turns,
    many_kinds,
    of_sources,
    samples_of,
    settings_of,
    table,
    with_modalities,
)
from benchmarks.speed.workload import SPEC
from streams.records import SensorWindow

TURNED = [{"mib": 100.0, "recall": 1.0}, {"mib": 110.0, "recall": 0.99}, {"mib": 121.0, "recall": 1.0}]


def test_there_are_as_many_kinds_as_are_told() -> None:
    kinds = many_kinds(N_KINDS)
    assert len(set(kinds)) == N_KINDS
    assert max(map(len, kinds)) <= 3
    assert len(set().union(*kinds)) == N_EXTRA


def test_samples_take_the_kinds_in_turn(windows: list[SensorWindow]) -> None:
    first, second, third = itertools.islice(samples_of(windows, many_kinds(2)), 3)
    assert first.windows.keys() == third.windows.keys() != second.windows.keys()
    assert all(SPEC.name in one.windows for one in (first, second, third))


def test_windows_of_many_modalities_and_sources(windows: list[SensorWindow]) -> None:
    many = list(with_modalities(windows[:2], 3))
    assert [one.modality for one in many] == [SPEC.name, "small-00", "small-01"] * 2
    assert len({one.source_id for one in of_sources(windows[:10], 5)}) == 5


def test_the_arms_of_a_ratio_take_turns(windows: list[SensorWindow], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.speed.growth.WARM", 0)
    arms = [
        binding("binder", settings_of(), samples_of(windows, [frozenset()]), 16),
        feeding("pipeline", settings_of(), iter(windows), 16),
    ]
    took = in_turns(arms, rounds=2, turn=64)
    assert {name: len(values) for name, values in took.items()} == {"binder": 2, "pipeline": 2}
    assert all(one > 0 for values in took.values() for one in values)


def test_a_ratio_is_the_median_over_the_rounds() -> None:
    took = {"cost": {"long": [2.0, 9.0, 4.0], "short": [2.0, 3.0, 2.0]}}
    found = figures_of(took, TURNED)
    assert found["cost"] == 2.0
    assert found["memory_last_over_second"] == pytest.approx(1.1)
    assert found["recall_least"] == 0.99
    console = Console(record=True, width=140)
    console.print(table(took, found))
    text = console.export_text()
    assert "2.00" in text and "110, 121" in text and "0.990" in text
