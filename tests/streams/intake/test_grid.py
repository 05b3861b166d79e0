"""A source's windows are numbered in its own phase, the same in every life."""

from hypothesis import given
from hypothesis import strategies as st

from streams.intake.grid import SMOOTHING, SourceGrid, slot_of

HOP = 5_000


@given(phase=st.integers(0, HOP - 1), jitters=st.lists(st.integers(-HOP // 5, HOP // 5), min_size=2, max_size=60))
def test_windows_of_one_time_get_one_slot_and_others_another_in_any_phase(phase: int, jitters: list[int]) -> None:
    grid = SourceGrid(HOP)
    slots = []
    for number, jitter in enumerate(jitters):
        start = number * HOP + phase + jitter
        slots.append(grid.slot(start))
        grid.follow(slots[-1], start)
    assert slots == list(range(slots[0], slots[0] + len(jitters)))


def test_a_source_in_phase_with_the_epoch_is_numbered_as_the_epochs_grid_does() -> None:
    grid = SourceGrid(HOP)
    for number in (3, 4, 9, 1000):
        assert grid.slot(number * HOP) == slot_of(number * HOP, HOP) == number
        grid.follow(number, number * HOP)


def test_a_slow_clock_never_crosses_into_the_next_slot() -> None:
    grid = SourceGrid(HOP)
    for number in range(2_000):
        start = number * (HOP + 20)  # eight slots too many by the epoch's grid at the end
        assert grid.slot(start) == number
        grid.follow(number, start)


def test_one_window_that_is_off_moves_the_grid_by_a_share_and_an_early_one_not_at_all() -> None:
    grid = SourceGrid(HOP)
    grid.follow(0, 0)
    grid.follow(1, HOP + 1_600)
    grid.follow(0, 2_000)
    edge = 2 * HOP + 1_600 // SMOOTHING - HOP // 2
    assert [grid.slot(edge - 1), grid.slot(edge)] == [1, 2]
