"""An operator's trial: what is refused, what begins, and what ends it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.errors import CommandError, WrongInput
from deploy.machine.brokers import Broker
from deploy.trials.beginning import seconds_of
from streams.models.rollout import CANARY, takes_part, trial
from tests.support.desk import Desk


@pytest.fixture
def desk(any_broker: Broker, prefix: str, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(any_broker, prefix, tmp_path)
    yield made
    made.models.close()


def test_a_version_is_put_on_trial_by_one_follower_at_least_until_it_is_ended(desk: Desk) -> None:
    desk.report("a", "b", "c")
    told = desk.begin(2)
    move = trial(desk.models.refresh(), "stable")
    assert move is not None and (move.version, move.by, move.reason) == (2, "anna@here", "a try")
    assert move.rollout is not None and (move.rollout.for_s, move.rollout.min_calls) == (60, 5)
    (name,) = [one for one in "abc" if takes_part(move, one)]
    assert told.startswith(f"version 2 is on trial for 60 s by 1 known followers: {name} (")
    with pytest.raises(CommandError, match=r"version 2 is on trial since it was begun by anna@here: wanted none"):
        desk.begin(2)
    assert desk.end() == "version 2 is no longer on trial"
    assert desk.channels() == {"canary": 0, "stable": 1}
    assert desk.models.refresh().history(CANARY)[-1].reason == "version 2 ended; enough"
    with pytest.raises(CommandError, match="nothing is on trial"):
        desk.end()


@pytest.mark.parametrize(
    ("version", "force", "why"),
    [
        (9, True, "version 9 is unknown, wanted one of: 1, 2, 3, 4, 5"),
        (1, True, "version 1 is what stable is at already, wanted another one to try"),
        (3, False, r"version 3 was refused by the gate \(because\), wanted one that passed; --force"),
        (4, False, "version 4 has no word of the gate, wanted one that passed"),
        (5, True, "version 5 is damaged, wanted a whole one: .*gravity"),
    ],
)
def test_what_cannot_be_tried_is_refused_in_a_sentence_and_nothing_moves(
    desk: Desk, version: int, force: bool, why: str
) -> None:
    with pytest.raises(CommandError, match=why):
        desk.begin(version, force=force)
    assert desk.channels() == {"stable": 1}


def test_force_says_what_it_overrides(desk: Desk) -> None:
    assert "by no known follower" in desk.begin(3, force=True)
    move = trial(desk.models.refresh(), "stable")
    assert move is not None and move.reason == "overridden: version 3 was refused by the gate (because); a try"


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("30s", 30), ("10m", 600), ("1.5 h", 5400), ("1d", 86_400)])
def test_times_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "0s", "-3m", "10 minutes", "nan"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(WrongInput, match="wanted a time such as 30s, 10m or 2h"):
        seconds_of(text)
