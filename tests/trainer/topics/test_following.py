"""What becomes of versions that passed: the channel `candidate` is at the newest, whatever `stable` is at."""

from copy import deepcopy

import pytest

from streams.models.channels import ChannelView, move_record
from streams.models.rollout import CANARY, CANDIDATE
from streams.records import Decision
from tests.support.watched_models import WatchedModels
from trainer.topics.following import Following


class Given:
    """A follower of decisions beside operators, on a topic in memory."""

    def __init__(self, channel: str = "stable") -> None:
        self.models = WatchedModels()
        self.following = Following(self.models, channel, lambda: 7)

    def follow(self, version: int) -> None:
        # What a broker gives is the state of then.
        self.following.follow(deepcopy(self.view), Decision(version=version, passed=True, reason="because"))

    def move(self, channel: str, version: int, *, pinned: bool = False) -> None:
        self.models.append(move_record(self.view, channel, version, "by hand", "anna", 8, pinned=pinned))

    @property
    def view(self) -> ChannelView:
        return self.models.refresh()


@pytest.fixture
def given() -> Given:
    return Given()


def test_the_candidate_is_the_newest_that_passed_and_says_why(given: Given) -> None:
    for version in (1, 2):
        given.follow(version)
    assert given.view.channels == {CANDIDATE: 2, "stable": 2}
    moves = [(one.version, one.by, one.reason) for one in given.view.history(CANDIDATE)]
    assert moves == [(version, "trainer", "passed the gate: because") for version in (1, 2)]


def test_it_goes_on_where_the_channel_is_pinned_or_rolled_back(given: Given) -> None:
    for version in (1, 2):
        given.follow(version)
    given.move("stable", 1)
    assert given.view.channels == {CANDIDATE: 2, "stable": 1}
    given.move("stable", 1, pinned=True)
    given.follow(3)
    assert given.view.channels == {CANDIDATE: 3, "stable": 1}


def test_a_version_is_put_forward_once_though_somebody_moved_on(given: Given) -> None:
    for version in (1, 2):
        given.follow(version)
    given.move(CANDIDATE, 1)
    given.follow(2)
    assert given.view.channels == {CANDIDATE: 1, "stable": 2}


def test_it_is_left_alone_where_it_is_pinned(given: Given) -> None:
    given.follow(1)
    given.move(CANDIDATE, 1, pinned=True)
    given.follow(2)
    assert given.view.channels == {CANDIDATE: 1, "stable": 2}


def test_somebody_who_moves_it_first_wins_and_the_version_is_followed_all_the_same(given: Given) -> None:
    given.follow(1)
    append = given.models.append

    def raced(record: tuple[bytes, bytes]) -> None:
        given.models.append = append  # type: ignore[method-assign]
        given.move(CANDIDATE, 1)
        append(record)

    given.models.append = raced  # type: ignore[method-assign]
    given.follow(2)
    assert given.view.channels == {CANDIDATE: 1, "stable": 2}


def test_who_follows_the_candidate_itself_has_one_move_a_version() -> None:
    given = Given(CANDIDATE)
    for version in (1, 2):
        given.follow(version)
    assert given.models.keys == ["channel/candidate/1", "channel/candidate/2"]
    assert given.view.current(CANARY) is None
