"""What the broker said of a partition holds for the moment at which it was asked, not at which its answer was read."""

import asyncio
from types import SimpleNamespace
from typing import Any

import aiokafka

from streams.intake.read_marks import Fetched
from streams.worker.faust_app import _Consumer

TOPIC = "mmbind.windows.gyroscope"


def answered(state: Any, end: int, at_ms: int) -> None:
    state.highwater, state.position, state.timestamp, state.has_valid_position = end, end, at_ms, True


async def said(*answers: tuple[int, int]) -> list[Fetched | None]:
    """What the consumer tells after each answer, of which the second part is when it was read."""
    consumer = _Consumer(fetch_wait_ms=250)
    state = SimpleNamespace(highwater=None, position=None, timestamp=None, has_valid_position=False)
    tp = aiokafka.TopicPartition(TOPIC, 0)
    assignment = SimpleNamespace(tps={tp}, state_value=lambda one: state)
    consumer._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
    told = [consumer.fetched(TOPIC, 0)]
    for end, at_ms in answers:
        answered(state, end, at_ms)
        told.append(consumer.fetched(TOPIC, 0))
    consumer._closed = True  # it was never started: nothing to close
    return told


def test_an_answer_read_late_says_nothing_of_the_time_that_it_lay_unread() -> None:
    before, first, second, again, late = asyncio.run(said((5, 1_000), (5, 1_250), (5, 1_250), (5, 9_000)))
    assert before is None
    assert first is not None and (first.end, first.at_ns) == (5, 0)
    assert second is not None and second.at_ns == 1_000_000_000
    assert again == second
    assert late is not None and late.at_ns == 1_250_000_000


def test_a_partition_that_is_not_given_has_nothing_said_of_it() -> None:
    async def other() -> Fetched | None:
        consumer = _Consumer(fetch_wait_ms=250)
        consumer._closed = True
        return consumer.fetched("mmbind.windows.other", 0)

    assert asyncio.run(other()) is None
