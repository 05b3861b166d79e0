"""A node that sends what cannot be right is named, once, and no other is."""

import pytest

from streams.intake.group import Group
from streams.intake.node_watch import WATCHED, Doubt, NodeWatch
from tests.support.arrivals import arrival


def group(slot: int, names: str, is_late: bool = False, source: str = "s") -> Group:
    return Group(slot, tuple(arrival(name, slot, source) for name in names), is_late)


def told(groups: list[Group]) -> list[Doubt]:
    watch = NodeWatch(hop_s=5.0)
    return [doubt for one in groups for doubt in watch.observe(one)]


def test_a_node_that_does_as_it_should_is_not_doubted() -> None:
    assert told([group(slot, "ab" if slot % 20 else "a") for slot in range(400)]) == []


def test_a_node_with_one_sensor_is_not_doubted() -> None:
    assert told([group(slot, "a") for slot in range(400)]) == []


def test_two_devices_under_one_id_are_told_once() -> None:
    groups = [one for slot in range(200) for one in (group(slot, "ab"), group(slot, "a", is_late=True))]
    assert [(one.kind, one.source_id) for one in told(groups)] == [("two-devices", "s")]


def test_clocks_that_differ_by_more_than_a_hop_are_told_with_how_much() -> None:
    groups = [one for slot in range(100) for one in (group(slot, "a"), group(slot - 3, "b"))]
    groups[:0] = [group(0, "ab"), group(1, "ab")]
    (doubt,) = told(groups)
    assert doubt.kind == "clocks"
    assert "a and b" in doubt.text and "15 s" in doubt.text


@pytest.mark.parametrize(("every", "kinds"), [(8, ["late"]), (11, [])])
def test_more_than_a_tenth_of_late_samples_is_doubtful(every: int, kinds: list[str]) -> None:
    groups = [group(slot, "b" if slot % every == 0 else "ab", is_late=slot % every == 0) for slot in range(200)]
    assert [one.kind for one in told(groups)] == kinds


@pytest.mark.parametrize(("every", "kinds"), [(8, ["single"]), (11, [])])
def test_more_than_a_tenth_without_companions_is_doubtful(every: int, kinds: list[str]) -> None:
    groups = [group(slot, "a" if slot % every == 0 else "ab") for slot in range(200)]
    assert [one.kind for one in told(groups)] == kinds


def test_nothing_is_said_before_enough_was_seen() -> None:
    watch = NodeWatch(hop_s=5.0)
    groups = [group(slot, "ab") for slot in range(WATCHED // 2)] + [group(slot, "a") for slot in range(WATCHED)]
    doubts = [bool(watch.observe(one)) for one in groups]
    assert doubts.index(True) == WATCHED - 1


def test_nodes_are_told_apart() -> None:
    groups = [one for slot in range(WATCHED) for one in (group(slot, "ab", source="x"), group(slot, "a", source="y"))]
    groups += [group(slot, "b", source="y") for slot in range(WATCHED)]
    assert {one.source_id for one in told(groups)} == {"y"}
