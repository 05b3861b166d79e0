import pytest
from kafka import TopicPartition

from tests.support.memory_kafka import MemoryBroker, MemoryConsumer
from trainer.topics.membership import Membership

TPS = [TopicPartition("pairs", partition) for partition in range(2)]


class World:
    def __init__(self, committed: dict[int, int]) -> None:
        self.broker = MemoryBroker()
        self.consumer = MemoryConsumer(self.broker)
        self.consumer.assign(TPS)
        self.membership = Membership(self.consumer, "pairs", 2, committed)


def test_is_confirmed_by_a_commit_and_not_before() -> None:
    world = World({0: 3, 1: 2})
    assert world.membership.is_sole and not world.membership.is_confirmed
    world.membership.confirm()
    assert world.membership.is_confirmed
    assert world.broker.committed == {TPS[0]: 3, TPS[1]: 2}


def test_a_confirmation_is_worth_no_more_once_the_session_may_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({0: 3, 1: 2})
    world.membership.confirm()
    monkeypatch.setattr("trainer.topics.membership.SESSION_TIMEOUT_MS", 0)
    assert world.membership.is_sole and not world.membership.is_confirmed


def test_is_not_confirmed_by_a_commit_that_is_refused() -> None:
    world = World({0: 3, 1: 2})
    world.broker.is_away = True
    world.membership.confirm()
    assert not world.membership.is_confirmed


def test_confirms_with_what_a_checkpoint_has_and_never_without_one() -> None:
    world = World({})
    world.membership.confirm()
    assert world.broker.committed == {}
    assert world.membership.commit({0: 5, 1: 6})
    world.broker.committed.clear()
    world.membership.confirm()
    assert world.broker.committed == {TPS[0]: 5, TPS[1]: 6}


def test_neither_commits_nor_confirms_while_another_holds_a_partition() -> None:
    world = World({0: 3, 1: 2})
    world.consumer.assign(TPS[:1])
    world.membership.confirm()
    assert not world.membership.commit({0: 4, 1: 4})
    assert world.broker.committed == {}
