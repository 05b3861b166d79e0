"""The trainer's own versions: tried first where the settings say so."""

import logging
from pathlib import Path

import pytest

from streams.broker.log import LogError
from streams.models.channels import move_record
from streams.models.registry import Registry
from streams.models.rollout import CANARY
from streams.records import Decision, FollowerReport
from streams.testing import SyntheticWorld
from tests.support.models import bundle
from trainer.candidate import Candidate
from trainer.rollout.own_trials import OwnTrials
from trainer.settings import RolloutSettings
from trainer.topics.models import MemoryModels
from trainer.topics.publishing import Publisher


def publisher_of(
    models: MemoryModels, folder: Path, wanted: RolloutSettings, reports: dict[str, FollowerReport] | None = None
) -> Publisher:
    trials = OwnTrials(SyntheticWorld(2).settings(), wanted, lambda: reports or {}, lambda: 7)
    return Publisher(models, Registry(str(folder)), "stable", lambda: 7, trials=trials)


def offered(publisher: Publisher, version: int, passed: bool = True) -> None:
    decision = Decision(version=version, passed=passed, reason="because")
    assert publisher.announce(Candidate(bundle(version), decision)) == version


def test_the_first_is_followed_at_once_the_next_is_tried_and_one_after_it_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    models, wanted = MemoryModels(), RolloutSettings(canary=0.1, for_s=60, min_calls=7, serves=True)
    known = {"a": FollowerReport(follower_id="a", version=1, at_ns=7, details={"channel": "stable"})}
    publisher = publisher_of(models, tmp_path, wanted, known)

    offered(publisher, 1)
    assert models.view.channels == {"candidate": 1, "stable": 1}
    offered(publisher, 2, passed=False)
    assert models.view.channels == {"candidate": 1, "stable": 1}
    offered(publisher, 3)
    assert models.view.channels == {"canary": 3, "candidate": 3, "stable": 1}
    (move,) = models.view.history(CANARY)
    assert (move.by, move.reason) == ("trainer", "passed the gate: because")
    assert move.rollout is not None and move.rollout.upto >= 0.1
    assert (move.rollout.for_s, move.rollout.min_calls, move.rollout.serves) == (60, 7, True)
    offered(publisher, 4)
    assert models.view.channels == {"canary": 3, "candidate": 4, "stable": 1}
    assert "version 4 is not followed: version 3 is on trial" in caplog.text
    offered(publisher, 3)
    assert len(models.view.history(CANARY)) == 1


def test_one_that_passed_during_a_trial_is_tried_once_that_has_ended_and_only_then() -> None:
    models = MemoryModels()
    now_ns = iter(range(1, 100))

    def move(channel: str, version: int, by: str, pinned: bool = False) -> None:
        models.append(move_record(models.view, channel, version, "so", by, next(now_ns), pinned=pinned))

    def waiting(canary: float = 0.1) -> int | None:
        return OwnTrials(SyntheticWorld(2).settings(), RolloutSettings(canary=canary), dict).waiting(models.view)

    for channel, version in (("candidate", 1), ("stable", 1), ("candidate", 2), (CANARY, 2), ("candidate", 3)):
        move(channel, version, "trainer")
        assert waiting() is None, "nothing has passed while another one was tried, or it is still"
    move(CANARY, 0, "roller")
    assert waiting() == 3 and waiting(canary=0) is None
    move("stable", 1, "anna", pinned=True)
    assert waiting() is None
    move("stable", 1, "anna")
    assert waiting() == 3
    move("candidate", 4, "trainer")
    assert waiting() is None, "the publisher puts it on trial"
    move(CANARY, 4, "trainer")
    move(CANARY, 0, "roller")
    assert waiting() is None, "it was tried"
    move(CANARY, 4, "anna")
    move("candidate", 5, "trainer")
    move(CANARY, 0, "anna")
    assert waiting() is None, "a person ended the trial"


def test_without_the_setting_all_follow_at_once(tmp_path: Path) -> None:
    models = MemoryModels()
    publisher = publisher_of(models, tmp_path, RolloutSettings())
    for version in (1, 2):
        offered(publisher, version)
    assert models.view.channels == {"candidate": 2, "stable": 2}


def test_where_followers_are_not_known_the_share_is_taken_as_it_is(tmp_path: Path) -> None:
    def away() -> dict[str, FollowerReport]:
        raise LogError("gone")

    models = MemoryModels()
    trials = OwnTrials(SyntheticWorld(2).settings(), RolloutSettings(canary=0.25), away, lambda: 7)
    publisher = Publisher(models, Registry(str(tmp_path)), "stable", lambda: 7, trials=trials)
    for version in (1, 2):
        offered(publisher, version)
    move = models.view.history(CANARY)[-1]
    assert move.rollout is not None and move.rollout.upto == 0.25
