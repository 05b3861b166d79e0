"""Old versions deleted, and two compared; what is told as it happens."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from deploy.errors import CommandError
from deploy.machine.brokers import Broker
from deploy.models.comparison import compared
from deploy.models.news import line_of, news
from deploy.models.pruning import prune
from streams.models.channels import ChannelView, decision_record, move_record, version_record
from streams.models.log import MemoryModelLog
from streams.models.registry import Registry, RegistryAway
from streams.records import Decision
from tests.support.desk import Desk
from tests.support.models import bundle


@pytest.fixture
def desk(any_broker: Broker, prefix: str, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(any_broker, prefix, tmp_path)
    yield made
    made.models.close()


def folders(desk: Desk) -> set[str]:
    return {one.name for one in desk.folder.iterdir() if one.name.startswith("v")}


def test_old_versions_go_but_none_that_is_used_or_may_be_rolled_back_to(desk: Desk) -> None:
    desk.operator().promote("stable", 2)
    desk.operator(force=True).promote("mine", 3)
    assert prune(desk.settings, 1, is_rehearsal=True) == [4]
    assert folders(desk) == {"v1", "v2", "v3", "v4", "v5"}
    assert prune(desk.settings, 1) == [4]
    assert folders(desk) == {"v1", "v2", "v3", "v5"}
    view = desk.models.refresh()
    assert sorted(view.manifests) == [1, 2, 3, 5] and view.next_version == 6
    assert prune(desk.settings, 1) == []
    assert desk.operator().rollback("stable").startswith("stable is at version 1")


def test_what_an_interrupted_one_left_is_deleted_by_the_next(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    remove = Registry.remove

    def away(self: Registry, version: int) -> bool:
        raise RegistryAway("gone")

    monkeypatch.setattr(Registry, "remove", away)
    with pytest.raises(RegistryAway):
        prune(desk.settings, 2)
    # The record first: nobody sees a version whose files are gone.
    assert 2 not in desk.models.refresh().manifests and "v2" in folders(desk)
    monkeypatch.setattr(Registry, "remove", remove)
    assert prune(desk.settings, 2) == [3]
    assert folders(desk) == {"v1", "v4", "v5"}


def test_a_version_that_comes_into_use_meanwhile_stays(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[ChannelView] = []
    refresh = type(desk.models).refresh

    def moved_meanwhile(self: object) -> ChannelView:
        if asked:
            key, value = move_record(asked[0], "mine", 2, "", "ben", 1)
            desk.models.append((key, value))
        asked.append(refresh(self))  # type: ignore[arg-type]
        return asked[-1]

    monkeypatch.setattr(type(desk.models), "refresh", moved_meanwhile)
    with pytest.raises(CommandError, match="version 2 came into use meanwhile: begin again"):
        prune(desk.settings, 2)
    assert "v2" in folders(desk)


def view_of(*records: tuple[bytes, bytes]) -> ChannelView:
    view = ChannelView()
    for offset, record in enumerate(records):
        assert view.apply(*record, offset) is None
    return view


def test_two_versions_are_compared_by_what_differs_and_by_their_figures() -> None:
    settings = {"seed": 1, "gate": {"chance_factor": 1.2}}
    one = msgspec.structs.replace(bundle(1).manifest, settings=settings, evaluation={"a": 0.5, "b": 1.0})
    changed = {"seed": 1, "gate": {"chance_factor": 1.5}}
    other = msgspec.structs.replace(bundle(2).manifest, settings=changed, evaluation={"a": 0.75})
    decision = decision_record(Decision(version=2, passed=True, reason="better"))
    rows = compared(view_of(version_record(one), version_record(other), decision), 1, 2)
    assert ("parent", "0", "1", "") in rows and ("gate", "nothing", "better", "") in rows
    assert ("settings.gate.chance_factor", "1.2", "1.5", "") in rows
    assert not [row for row in rows if row[0] in ("settings.seed", "dim")]
    assert ("a", "0.5000", "0.7500", "+0.2500") in rows and ("b", "1.0000", "", "") in rows
    with pytest.raises(CommandError, match="version 3 is unknown, wanted one of: 1"):
        compared(view_of(version_record(one)), 1, 3)


def test_news_are_told_a_line_each_from_now_on_or_from_the_beginning() -> None:
    log, stop = MemoryModelLog(), threading.Event()
    records = [
        version_record(bundle(1).manifest),
        decision_record(Decision(version=1, passed=True, reason="well")),
        move_record(ChannelView(), "stable", 1, "why not", "anna", 7, pinned=True, unique="a"),
        move_record(ChannelView(), "stable", 1, "too late", "ben", 8, unique="b"),
    ]
    for record in records:
        log.append(*record)
    log.append(b"version/1", None)
    told = []
    for one in news(log, stop, with_past=True):
        if one is None:
            stop.set()
        else:
            told.append(line_of(one))
    assert told == [
        "version version=1 parent=0",
        "passed version=1 why=well",
        "moved channel=stable version=1 from=0 by=anna why=why not pinned=True",
        "channel/stable/1/b changes nothing: seq is 1, wanted 2: another move came first",
        "withdrawn version=1",
    ]
    stop.clear()
    fresh = news(log, stop)
    assert next(fresh) is None
    log.append(*decision_record(Decision(version=2, passed=False, reason="no")))
    found = next(one for one in fresh if one is not None)
    assert line_of(found) == "refused version=2 why=no"
    stop.set()
