"""When a cycle, a checkpoint and more steps are due."""

from collections.abc import Mapping
from typing import Any

from tests.support.recorded import small_settings
from trainer.cycles import Cycles
from trainer.pace import Pace


def cycles(facts: Mapping[str, Any] | None = None, n_samples: int = 50, **settings: object) -> Cycles:
    return Cycles(small_settings(cycle_bindings=10, steps_per_cycle=4, **settings), lambda: n_samples, facts or {})


def test_the_usual_pace_is_that_of_the_settings() -> None:
    one = cycles()
    one.n_new = 9
    assert (one.n_until_next, one.n_steps, one.samples_per_step) == (1, 4, 2.5)
    one.n_new += 1
    assert one.n_until_next == 0
    one.note_cycle()
    assert one.checkpoint_due and one.n_until_next == 10


def test_a_pace_says_how_long_cycles_are_and_how_many_end_in_a_checkpoint() -> None:
    one = cycles()
    one.pace = Pace(n_new=30, n_steps=2, n_cycles=3)
    assert (one.n_until_next, one.n_steps, one.samples_per_step) == (30, 2, 15)
    due = []
    for _ in range(3):
        one.note_cycle()
        due.append(one.checkpoint_due)
    assert due == [False, False, True]
    one.saved()
    assert not one.checkpoint_due


def test_an_empty_buffer_takes_no_steps_whatever_the_pace() -> None:
    one = cycles(n_samples=0)
    one.pace = Pace(30, 2, 3)
    assert one.n_steps == 0


def test_more_steps_are_to_be_had_after_a_cycle_and_only_so_many() -> None:
    one = cycles(idle_cycles=1.5)
    before = one.extra_left
    one.note_cycle()
    whole: list[bool] = []
    while one.extra_left:
        one.note_step(0, is_extra=True)
        whole.append(one.extra_is_whole)
    assert before == 0, "nothing was learned yet"
    assert whole == [False, False, False, True, False, False]
    one.note_cycle()
    again = one.extra_left
    one.end_extra()
    assert (again, one.extra_left) == (6, 0)


def test_steps_between_the_same_bindings_are_one_choice() -> None:
    one = cycles()
    for n_admitted in (5, 5, 8, 8, 8):
        one.note_step(n_admitted, is_extra=False)
    assert one.choices == [(5, 2), (8, 3)]
    one.saved()
    assert one.choices == []


def test_goes_on_from_its_facts() -> None:
    one = cycles(idle_cycles=1)
    one.pace = Pace(30, 2, 3)
    one.note_cycle()
    one.n_new = 4
    one.note_step(3, is_extra=True)
    twin = cycles(one.facts(), idle_cycles=1)
    assert (twin.n_done, twin.n_until_next, twin.n_steps, twin.extra_left) == (1, 26, 2, 3)
    assert twin.pace == one.pace and twin.facts() == one.facts()
