"""What runs ahead stops until what lags behind has come; nothing stops for good."""

from collections.abc import Callable

from streams.intake.throttle import ModalityPartition, Throttle

A, B, OTHER = ("a", 0), ("b", 0), ("a", 1)
GIVEN = {A, B, OTHER}
LIMIT = 600  # 100 for each


def behind(*which: ModalityPartition) -> Callable[[ModalityPartition], bool]:
    return lambda one: one in which


def test_what_waits_beyond_its_share_for_a_topic_that_lags_is_paused_and_goes_on_at_half_of_it() -> None:
    one = Throttle(GIVEN, LIMIT)
    paused = []
    for waiting in (100, 101, 60, 50, 60):
        one.decide({A: waiting}, behind(A, B))
        paused.append(A in one.paused)
    assert paused == [False, True, True, False, False]


def test_nothing_is_paused_where_no_other_topic_of_the_partition_lags() -> None:
    one = Throttle(GIVEN, LIMIT)
    one.decide({A: 1_000}, behind(A, OTHER))
    assert one.paused == frozenset()


def test_a_partition_whose_topics_are_all_paused_or_at_their_end_is_stuck() -> None:
    one = Throttle(GIVEN, LIMIT)
    one.decide({A: 200}, behind(A, B))
    assert one.stuck(behind(A, B)) == []
    one.decide({A: 200, B: 200}, behind(A, B))
    assert one.stuck(behind(A, B)) == [0]
    assert not one.is_roomy(0, {A: 51, B: 200})
    assert one.is_roomy(0, {A: 50, B: 200})
