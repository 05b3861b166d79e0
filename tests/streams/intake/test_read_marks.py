"""What is known to be read is read, and a busy partition is read through although its end moves on."""

import pytest

from streams.intake.read_marks import IDLE_NS, Fetched, ReadMarks
from streams.messages.message import Place

ONE = ("windows.a", 0)


def marks(start: int = 0) -> ReadMarks:
    return ReadMarks({ONE: start})


def take(one: ReadMarks, *offsets: int) -> None:
    for offset in offsets:
        one.took(Place(*ONE, offset))


def test_before_the_broker_said_anything_nothing_is_known_to_be_read() -> None:
    one = marks()
    take(one, 0, 1)
    assert one.upto_ns(ONE) == 0


def test_an_empty_partition_is_read_up_to_when_the_broker_said_so() -> None:
    one = marks(start=7)
    one.observe(ONE, Fetched(end=7, position=7, at_ns=100), 0)
    assert (one.upto_ns(ONE), one.lag(ONE)) == (100, 0)


def test_what_was_fetched_counts_only_once_it_was_taken_up() -> None:
    one = marks()
    one.observe(ONE, Fetched(end=3, position=3, at_ns=100), 0)
    take(one, 0, 1)
    one.observe(ONE, Fetched(end=3, position=3, at_ns=200), 0)
    assert (one.upto_ns(ONE), one.lag(ONE)) == (0, 1)
    take(one, 2)
    one.observe(ONE, Fetched(end=3, position=3, at_ns=300), 0)
    assert (one.upto_ns(ONE), one.lag(ONE)) == (300, 0)


def test_a_partition_that_never_comes_to_its_end_is_read_up_to_an_earlier_one() -> None:
    one = marks()
    for moment in range(1, 50):
        one.observe(ONE, Fetched(end=10 * moment + 5, position=10 * moment, at_ns=100 * moment), 0)
        take(one, *range(10 * (moment - 1), 10 * moment))
    assert 4_500 <= one.upto_ns(ONE) < 4_900
    assert one.lag(ONE) == 5


@pytest.mark.parametrize(("idle_ns", "is_read"), [(IDLE_NS - 1, False), (IDLE_NS, True)])
def test_marks_of_transactions_at_the_end_are_no_backlog_once_all_is_idle(idle_ns: int, is_read: bool) -> None:
    one = marks()
    take(one, 0)
    one.observe(ONE, Fetched(end=2, position=2, at_ns=9), idle_ns)
    assert one.upto_ns(ONE) == (9 if is_read else 0)


def test_what_was_not_fetched_yet_is_a_backlog_however_idle_all_is() -> None:
    one = marks()
    one.observe(ONE, Fetched(end=3, position=1, at_ns=5), 10 * IDLE_NS)
    assert one.upto_ns(ONE) == 0


def test_a_partition_that_was_not_given_is_waited_for_by_nobody() -> None:
    assert marks().upto_ns(("windows.b", 0)) > 10**18
