"""What the end of a simulation waits for."""

from collections.abc import Callable, Iterator

import pytest

from deploy.simulation import command
from deploy.simulation.command import wait_for_version
from streams.models.channels import ChannelView, decision_record, move_record, version_record
from streams.records import Decision
from tests.support.models import bundle


@pytest.fixture(autouse=True)
def without_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PATIENCE_S", 0.0)
    monkeypatch.setattr(command, "LOOK_EVERY_S", 0.0)


def reading(events: Iterator[tuple[bytes, bytes]], view: ChannelView) -> Callable[[], ChannelView]:
    """One more of the events at each look."""

    def read() -> ChannelView:
        for offset, event in enumerate(events):
            view.apply(*event, offset)
            break
        return view

    return read


def judged(version: int) -> tuple[bytes, bytes]:
    return decision_record(Decision(version=version, passed=False, reason="collapsed"))


def test_a_version_is_waited_for_as_long_as_more_are_judged() -> None:
    view, looks = ChannelView(), list[int]()
    view.apply(*version_record(bundle(3).manifest), 0)
    events = iter([judged(1), judged(2), move_record(view, "stable", 3, "passed", "trainer", 1)])
    assert wait_for_version(reading(events, view), "stable", looks.append) == 3
    assert looks == [1, 2]


def test_without_news_it_ends_and_one_that_is_there_is_enough() -> None:
    view = ChannelView()
    assert wait_for_version(reading(iter([judged(1)]), view), "stable", lambda n: None) == 0
    view.apply(*version_record(bundle(3).manifest), 0)
    view.apply(*move_record(view, "stable", 3, "passed", "trainer", 1), 1)
    assert wait_for_version(reading(iter([]), view), "stable", lambda n: None) == 3
