"""The roller: what it does to the channels, and that its state is the topic alone."""

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from streams.models.channels import move_record, version_record
from streams.models.log import MemoryModelLog
from streams.models.rollout import CANARY, trial
from streams.records import ChannelMove, FollowerReport, Rollout, VersionUse
from streams.testing import SyntheticWorld
from tests.support.models import bundle
from tests.support.waiting import wait_until
from trainer.metrics import TRIAL_OUTCOMES, TrainerMetrics
from trainer.rollout.own_trials import OwnTrials
from trainer.rollout.roller import Roller
from trainer.settings import RolloutSettings
from trainer.topics.models import MemoryModels

S = 10**9
BEGAN_NS = 1_000_000 * S


class Trial:
    """Version 2 on trial beside version 1, for a minute; the time is `now_s` after its begin."""

    def __init__(self) -> None:
        self.models, self.now_s, self.reports = MemoryModels(), 0.0, dict[str, FollowerReport]()
        for version in (1, 2):
            self.models.append(version_record(bundle(version).manifest))
        self.move("stable", 1)
        self.move(CANARY, 2, Rollout(channel="stable", upto=0.1, for_s=60))
        self.may_move, self.n_asked = True, 0
        self.canary = 0.0
        self.news = MemoryModelLog()
        self.registry = CollectorRegistry()
        self.metrics = TrainerMetrics(self.registry)

    def move(self, channel: str, version: int, rollout: Rollout | None = None) -> None:
        key, value = move_record(self.models.view, channel, version, "as told", "anna", BEGAN_NS, rollout=rollout)
        self.models.append((key, value))
        assert self.models.view.counted(key)

    def report(self, calls: int = 200, errors: int = 0) -> None:
        tried = VersionUse(version=2, since_ns=BEGAN_NS, calls=calls, errors=errors)
        self.reports["a"] = FollowerReport(follower_id="a", version=1, at_ns=BEGAN_NS, trial=tried)

    def told(self) -> dict[str, FollowerReport]:
        """What followers say; counts how often they are asked."""
        self.n_asked += 1
        return self.reports

    def roller(self) -> Roller:
        """A new one each time: it knows nothing but what the topics say."""
        return Roller(
            self.models,
            self.news,
            self.told,
            "stable",
            RolloutSettings(),
            self.metrics,
            lambda: self.may_move,
            self.now_ns,
            OwnTrials(SyntheticWorld(2).settings(), RolloutSettings(canary=self.canary), self.told, self.now_ns),
        )

    def now_ns(self) -> int:
        return BEGAN_NS + int(self.now_s * S)

    def look(self) -> str:
        verdict = self.roller().look()
        return verdict.outcome if verdict else ""

    @property
    def ended(self) -> dict[str, float | None]:
        """Trials that were ended, by outcome."""
        values = {one: self.value("mmbind_trials_ended_total", one) for one in TRIAL_OUTCOMES}
        return {outcome: value for outcome, value in values.items() if value != 0}

    def value(self, name: str, outcome: str = "") -> float | None:
        return self.registry.get_sample_value(name, {"outcome": outcome} if outcome else {})

    @property
    def channels(self) -> dict[str, int]:
        return self.models.view.channels

    def last(self, channel: str) -> ChannelMove:
        return self.models.view.history(channel)[-1]


@pytest.fixture
def given() -> Trial:
    return Trial()


def test_a_good_version_is_promoted_and_its_trial_ends(given: Trial) -> None:
    given.report()
    assert given.look() == "wait" and given.channels == {"canary": 2, "stable": 1}
    given.now_s = 61
    assert given.look() == "promote" and given.channels == {"canary": 0, "stable": 2}
    assert (given.last("stable").by, given.last("stable").replaces) == ("roller", 1)
    assert given.last("stable").reason.startswith("passed its trial: 200 calls in 1 followers, 0 errors in 61 s, ")
    assert given.last(CANARY).reason.startswith("version 2 promoted")
    assert given.look() == "" and given.ended == {"promoted": 1}


def test_a_bad_one_is_rolled_back_and_the_reason_stands_in_the_topic(given: Trial) -> None:
    given.report(errors=100)
    assert given.look() == "roll-back" and given.channels == {"canary": 0, "stable": 1}
    assert given.last(CANARY).reason.startswith("version 2 rolled back: 100 errors, 50% of its calls")
    assert given.look() == "" and given.ended == {"rolled-back": 1}


def test_what_passed_meanwhile_is_tried_next(given: Trial) -> None:
    given.models.append(version_record(bundle(3).manifest))
    given.move("candidate", 3)
    given.canary = 0.2
    given.report(errors=100)
    assert given.look() == "roll-back" and given.channels == {"canary": 0, "candidate": 3, "stable": 1}
    assert given.look() == "" and given.channels == {"canary": 3, "candidate": 3, "stable": 1}
    (rollout, reason) = given.last(CANARY).rollout, given.last(CANARY).reason
    assert rollout is not None and rollout.upto >= 0.2
    assert reason == "passed the gate while another version was on trial"


def test_one_that_nobody_calls_is_given_up(given: Trial) -> None:
    given.now_s = 181
    assert given.look() == "give-up" and given.channels == {"canary": 0, "stable": 1}
    assert "no verdict: 0 calls in 0 followers" in given.last(CANARY).reason
    assert given.ended == {"given-up": 1}


def test_what_an_operator_promoted_meanwhile_is_no_longer_on_trial(given: Trial) -> None:
    given.move("stable", 2)
    assert given.look() == "promote" and given.channels == {"canary": 0, "stable": 2}
    assert given.last("stable").by == "anna"


def test_one_that_ended_between_its_two_moves_is_finished_by_the_next(given: Trial) -> None:
    given.report()
    given.now_s = 61
    append = given.models.append

    def cut(record: tuple[bytes, bytes]) -> None:
        if record[0].startswith(b"channel/canary"):
            raise ConnectionError("gone")
        append(record)

    given.models.append = cut  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        given.look()
    assert given.channels == {"canary": 2, "stable": 2}
    given.models.append = append  # type: ignore[method-assign]
    assert given.look() == "promote" and given.channels == {"canary": 0, "stable": 2}


def test_where_somebody_moves_the_channel_first_nothing_else_happens(given: Trial) -> None:
    given.report()
    given.now_s = 61
    append, raced = given.models.append, list[object]()

    def race(record: tuple[bytes, bytes]) -> None:
        if not raced:
            raced.append(record)
            given.move("stable", 0)
        append(record)

    given.models.append = race  # type: ignore[method-assign]
    assert given.look() == "wait"
    assert given.channels == {"canary": 2, "stable": 0}


def test_a_trial_that_somebody_else_ends_first_is_not_counted(given: Trial) -> None:
    given.report(errors=100)
    append = given.models.append

    def race(record: tuple[bytes, bytes]) -> None:
        append(move_record(given.models.view, CANARY, 0, "enough", "anna", BEGAN_NS))
        append(record)

    given.models.append = race  # type: ignore[method-assign]
    assert given.look() == "roll-back" and given.last(CANARY).by == "anna"
    assert given.ended == {}


def test_it_looks_by_itself_while_something_is_tried(given: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.rollout.roller.LOOK_S", 0.01)
    given.report()
    append, failures = given.models.append, [ConnectionError("gone")]

    def fails_once(record: tuple[bytes, bytes]) -> None:
        if failures:
            raise failures.pop()
        append(record)

    given.models.append = fails_once  # type: ignore[method-assign]
    roller = given.roller()
    roller.start()
    try:
        for move in (given.last("stable"), given.last(CANARY)):
            given.news.append(f"channel/{move.channel}/1/0".encode(), msgspec.json.encode(move))
        wait_until(lambda: given.n_asked > 2, 10, told=lambda: str(given.n_asked))
        assert given.channels == {"canary": 2, "stable": 1} and given.value("mmbind_trial_version") == 2
        given.now_s = 61
        wait_until(lambda: given.channels == {"canary": 0, "stable": 2}, 10, told=lambda: str(given.channels))
        given.news.append(f"channel/{CANARY}/2/0".encode(), msgspec.json.encode(given.last(CANARY)))
        wait_until(lambda: given.value("mmbind_trial_version") == 0, 10)
    finally:
        roller.stop()


def test_who_may_not_move_channels_does_not(given: Trial) -> None:
    given.report(errors=100)
    given.may_move = False
    assert given.look() == "" and given.channels == {"canary": 2, "stable": 1}


def test_a_trial_is_of_one_channel_and_over_when_the_canary_has_nothing(given: Trial) -> None:
    assert trial(given.models.view, "mine") is None
    found = trial(given.models.view, "stable")
    assert found is not None and found.version == 2
    given.move(CANARY, 0)
    assert trial(given.models.view, "stable") is None
    given.move(CANARY, 2)
    assert trial(given.models.view, "stable") is None
