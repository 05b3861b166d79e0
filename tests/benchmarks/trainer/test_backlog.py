"""What the trainer's benchmark writes and how it reads what it saw."""

import pytest

from benchmarks.trainer.backlog import Look, figures_of, in_order, world_of
from benchmarks.trainer.steps import TwoWindowsEach, replay_memory
from streams.testing import SENSORS


def test_rates_are_of_what_was_seen_while_the_backlog_was_there() -> None:
    seen = [(10, 0, 0, 1), (11, 1000, 4, 2), (12, 4000, 6, 3), (15, 10_000, 14, 5), (27, 10_000, 60, 17)]
    figures = figures_of([Look(*one) for one in seen], n_bindings=10_000, n_samples=2500)
    assert figures["admitted_per_s"] == pytest.approx(9000 / 4)
    assert figures["admitted_per_cpu_s"] == pytest.approx(9000 / 3)
    assert figures["steps_per_s"] == pytest.approx(2.5)
    assert (figures["steps_in_backlog"], figures["steps_while_idle"]) == (14, 46)
    assert figures["lag_after_backlog"] == 0


def test_what_is_left_is_what_2000_a_second_would_have_worked_off() -> None:
    seen = [
        (10, 0, 0, 0),
        (11, 2000, 1, 0),
        (13, 4000, 2, 0),
        (15.5, 7000, 2, 0),
        (30, 10_000, 9, 9),
        (40, 10_000, 9, 9),
    ]
    figures = figures_of([Look(*one) for one in seen], n_bindings=10_000, n_samples=100)
    assert figures["lag_after_backlog"] == 6000


def test_every_sample_has_all_its_rounds_in_order() -> None:
    samples = list(world_of().samples(10))
    rounds: dict[str, list[int]] = {}
    for binding in in_order(samples, 3):
        rounds.setdefault(binding.sample_id, []).append(binding.round)
    assert set(map(tuple, rounds.values())) == {(0, 1, 2)} and len(rounds) == len(samples)


def test_every_node_has_two_sensors_however_many_there_are() -> None:
    world = TwoWindowsEach(4, specs=SENSORS)
    assert [len(one.windows) for one in world.samples(2)] == [2] * 8
    assert {name for one in world.samples(1) for name in one.windows} == set(world.specs)


def test_replay_is_shown_to_keep_its_limit() -> None:
    found = replay_memory(1 << 20)
    assert 0.9 * found["limit_bytes"] < found["most_bytes"] <= found["limit_bytes"]
