"""A set of integers that stays small."""

from hypothesis import given
from hypothesis import strategies as st

from streams.intake.intervals import Intervals


@given(numbers=st.lists(st.integers(0, 60)), limit=st.integers(2, 50))
def test_intervals_contain_what_was_added(numbers: list[int], limit: int) -> None:
    one = Intervals(limit)
    for number in numbers:
        one.add(number)
    assert all(number in one for number in numbers)
    assert len(one) <= limit
    if len(one) < limit:
        assert {number for number in range(-2, 63) if number in one} == set(numbers)


def test_intervals_beyond_their_limit_forget_the_lowest_gap() -> None:
    one = Intervals(2)
    for number in (1, 5, 9):
        one.add(number)
    assert [number in one for number in (0, 1, 3, 5, 7, 9, 10)] == [False, True, True, True, False, True, False]
