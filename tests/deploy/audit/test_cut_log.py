"""What was deleted by age is not missing; what is missing, or there twice, is told all the same."""

from typing import Any

import pytest

from deploy.audit.balance import CUT, FAULTY
from tests.support.books import CONSTANT, NAMES, World, settled


@pytest.mark.parametrize("topic", [NAMES.windows("a"), NAMES.samples, NAMES.pairs])
def test_what_was_deleted_is_not_missing_but_the_log_is_said_to_be_cut(topic: str) -> None:
    world = settled()
    lists: dict[str, list[Any]] = {NAMES.samples: world.samples, NAMES.pairs: world.bindings}
    entries = lists.get(topic, world.windows)
    gone = [one for one in entries if one.place.topic == topic][:2]
    for one in gone:
        entries.remove(one)
    world.kept_from_ms = {topic: 2}
    found = world.balance()
    assert (found.exit_code, found.whole_from_ms) == (CUT, 2), found


def test_what_is_missing_although_the_log_is_cut_before_it_is_told() -> None:
    world = settled()
    del world.samples[3], world.samples[0]
    world.kept_from_ms = {NAMES.samples: 1}
    found = world.balance()
    assert found.exit_code == FAULTY
    assert found.accounts[0].n_faults == {"missing": 2}


def stuck() -> World:
    """A sensor that sends the same values four times; the first two windows were deleted."""
    world = World()
    for start_ns in range(4):
        sample = world.sample([world.window("a", start_ns, CONSTANT)])
        world.admitted.append((str(world.binding(sample).sample_id), 0))
    world.settle()
    del world.windows[:2]
    world.kept_from_ms = {NAMES.windows("a"): 2}
    return world


def test_samples_of_deleted_windows_are_not_counted_twice_where_a_sensor_repeats_itself() -> None:
    found = stuck().balance()
    assert found.exit_code == CUT, found
    assert found.accounts[0].notes == {"in samples, sent before the log begins": 2}


def test_a_window_in_two_samples_is_told_although_the_log_is_cut() -> None:
    world = stuck()
    forged = world.samples[-1]._replace(sample_id="forged", place=world.place(NAMES.samples, world.samples))
    world.samples.append(forged)
    found = world.balance()
    assert found.exit_code == FAULTY
    [fault] = [fault for fault in found.accounts[0].faults if fault.what == "twice"]
    assert fault.places[0] == world.windows[-1].place
