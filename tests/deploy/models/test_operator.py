"""The operator's hand on channels: what moves, what is refused, and that of two exactly one moves it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.errors import CommandError
from deploy.machine.brokers import Broker
from streams.broker.log import read_all
from streams.models.channels import ChannelView, decision_record
from streams.records import ChannelMove, Decision
from tests.support.desk import Desk
from trainer.topics.following import Following


@pytest.fixture
def desk(any_broker: Broker, prefix: str, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(any_broker, prefix, tmp_path)
    yield made
    made.models.close()


@pytest.fixture
def either(broker: Broker, prefix: str, tmp_path: Path) -> Iterator[Desk]:
    """On the embedded broker, then on Apache Kafka."""
    made = Desk(broker, prefix, tmp_path)
    yield made
    made.models.close()


def last(desk: Desk, channel: str = "stable") -> ChannelMove:
    return desk.models.refresh().history(channel)[-1]


def test_each_move_says_who_when_why_and_from_what(desk: Desk) -> None:
    told = desk.operator("anna@here", "looks good").promote("stable", 2)
    assert told == "stable is at version 2, looks good; it was at 1"
    move = last(desk)
    assert (move.version, move.replaces, move.by, move.reason) == (2, 1, "anna@here", "looks good") and move.at_ns > 2
    assert desk.operator().promote("mine", 1) == "mine is at version 1, by hand; it was at none"
    assert desk.channels() == {"mine": 1, "stable": 2}
    assert desk.operator().promote("stable", 2) == "stable is at version 2 already: nothing was changed"
    assert last(desk).seq == 2


@pytest.mark.parametrize(
    ("version", "force", "why"),
    [
        (9, True, "version 9 is unknown, wanted one of: 1, 2, 3, 4, 5"),
        (3, False, r"version 3 was refused by the gate \(because\), wanted one that passed; --force overrides it"),
        (4, False, "version 4 has no word of the gate, wanted one that passed"),
        (5, True, "version 5 is damaged, wanted a whole one: .*gravity"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence_and_nothing_moves(
    desk: Desk, version: int, force: bool, why: str
) -> None:
    operator = desk.operator(force=force)
    for move in (operator.promote, operator.pin):
        with pytest.raises(CommandError, match=why):
            move("stable", version)
    assert desk.channels() == {"stable": 1} and last(desk).seq == 1


def test_rollbacks_go_further_and_further_back_until_there_is_nothing_before(desk: Desk) -> None:
    desk.models.append(decision_record(Decision(version=3, passed=True, reason="after all")))
    for version in (2, 3):
        desk.operator().promote("stable", version)
    assert desk.operator().rollback("stable").startswith("stable is at version 2, rolled back; by hand")
    assert desk.operator().rollback("stable").startswith("stable is at version 1")
    with pytest.raises(CommandError, match="stable is at version 1, and there was none before it: wanted one"):
        desk.operator().rollback("stable")
    desk.operator().promote("stable", 3)
    assert desk.operator().rollback("stable").startswith("stable is at version 1")
    desk.operator().promote("stable", 2)
    (desk.folder / "v1" / "gravity.safetensors").unlink()
    with pytest.raises(CommandError, match="version 1 is damaged, wanted a whole one"):
        desk.operator().rollback("stable")
    with pytest.raises(CommandError, match="mine is at version none, and there was none before it"):
        desk.operator().rollback("mine")


def test_a_pinned_channel_stays_until_it_is_unpinned(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.operator("anna@here", "a fair").pin("stable", 1)
    assert last(desk).pinned and last(desk).reason == "pinned; a fair"
    assert desk.operator("ben@here").pin("stable", 1).startswith("stable is pinned to version 1 already, by anna@here")
    Following(desk.models, "stable", lambda: 7).follow(
        desk.models.refresh(), Decision(version=2, passed=True, reason="because")
    )
    assert "stable is pinned to 1 by anna@here: version 2 is not followed" in caplog.text
    with pytest.raises(CommandError, match="pinned to version 1 by anna@here: wanted one that is not"):
        desk.operator().promote("stable", 2)
    assert desk.channels() == {"candidate": 2, "stable": 1}
    desk.operator(force=True).promote("stable", 2)
    assert last(desk).reason == "overridden: stable is pinned to version 1 by anna@here; by hand"
    assert not last(desk).pinned
    with pytest.raises(CommandError, match="stable is not pinned, wanted a channel that is"):
        desk.operator().unpin("stable")
    desk.operator().pin("stable", 1)
    assert desk.operator().unpin("stable") == "stable is at version 1, unpinned; by hand"
    assert desk.models.refresh().pin("stable") is None


def test_of_two_operators_at_once_one_moves_the_channel_and_the_other_is_told_who(either: Desk) -> None:
    """Real processes, each ready to write before either may."""
    file = either.folder / "mmbind.json"
    file.write_text(either.settings.model_dump_json())
    command = [sys.executable, "-c", RACER, str(file)]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    racers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        for name in ("anna", "ben")
    ]
    for racer in racers:
        assert racer.stdout is not None and racer.stdout.readline() == "ready\n"
    said = dict(zip(("anna", "ben"), (racer.communicate("go\n", 60)[0].strip() for racer in racers), strict=True))

    move = last(either)
    loser = ({"anna", "ben"} - {move.by}).pop()
    assert said[move.by] == f"stable is at version 2, {move.by}; it was at 1"
    assert said[loser].startswith(f"refused: stable was moved to 2 by {move.by} first, ")
    assert said[loser].endswith(" s ago: nothing was changed")
    assert [one.version for one in either.models.refresh().history("stable")] == [1, 2]

    records = read_all(either.settings.broker, f"{either.settings.topics.prefix}models")
    kept = {one.key: one for one in records}  # as compaction leaves them
    view = ChannelView()
    for one in sorted(kept.values(), key=lambda one: one.offset):
        view.apply(one.key or b"", one.value, one.offset)
    assert view.history("stable") == either.models.refresh().history("stable")
    assert json.loads(file.read_text())


RACER = """
import sys
from deploy.errors import CommandError
from deploy.models.operator import Operator
from streams.settings import StreamSettings
settings = StreamSettings.model_validate_json(open(sys.argv[1]).read())
operator = Operator(settings, sys.argv[2], sys.argv[2])
view = operator._view()
operator._view = lambda: view
print("ready", flush=True)
sys.stdin.readline()
try:
    print(operator.promote("stable", 2))
except CommandError as error:
    print("refused:", error)
"""
