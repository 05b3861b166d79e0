"""Which version a follower tries, when it begins and ends, and what becomes of one that cannot be had."""

from pathlib import Path

import pytest

from encoders.bundle import ModelBundle
from streams.models.registry import Registry
from streams.models.rollout import lot_of
from streams.models.trial import TrialWatch
from streams.records import Rollout
from tests.support.following import Publisher, rollout


class World:
    """A watch that is stepped by hand, with a clock that is moved by hand."""

    def __init__(self, root: Path, follower_id: str = "me") -> None:
        self.publisher = Publisher(root)
        self.told: list[tuple[int, bool]] = []
        self.now_s, self.served, self.broken = 0.0, 1, False
        self.watch = TrialWatch(
            Registry(str(root)), self.tell, channel="stable", follower_id=follower_id, now_s=lambda: self.now_s
        )
        for version in (1, 2, 3):
            self.publisher.publish(version)

    def tell(self, how: Rollout | None, bundle: ModelBundle | None) -> None:
        if self.broken:
            raise RuntimeError("does not load")
        self.told.append((bundle.manifest.version if bundle else 0, how is not None and how.serves))

    def step(self, is_idle: bool = True) -> bool:
        return self.watch.consider(self.publisher.view, self.served, is_idle)


def test_a_version_is_tried_once_it_is_on_trial_and_until_it_is_not(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert not world.step()
    world.publisher.put_on_trial(2)
    assert [world.step(), world.step()] == [True, False]
    assert (world.told, world.watch.version) == ([(2, False)], 2)
    world.publisher.put_on_trial(0)
    assert [world.step(), world.step()] == [True, False]
    assert (world.told, world.watch.version) == ([(2, False), (0, False)], 0)


def test_the_next_trial_takes_the_place_of_the_last(tmp_path: Path) -> None:
    world = World(tmp_path)
    for version in (2, 3):
        world.publisher.put_on_trial(version)
        world.step()
    assert world.told == [(2, False), (0, False), (3, False)]


def test_only_those_whose_lot_is_drawn_take_part(tmp_path: Path) -> None:
    names = [f"node-{i}" for i in range(20)]
    chosen = [name for name in names if lot_of(name, 2) < 0.4]
    assert 0 < len(chosen) < 20
    tried = []
    for name in names:
        world = World(tmp_path, name)
        world.publisher.put_on_trial(2, rollout(0.4))
        world.step()
        tried += [name] * world.watch.version
    assert sorted(set(tried)) == sorted(chosen)


def test_a_trial_for_the_followers_of_another_channel_is_no_business_of_ours(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.publisher.put_on_trial(2, rollout(channel="lab"))
    assert not world.step() and world.told == []


def test_what_is_served_is_not_tried_beside_itself(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.publisher.put_on_trial(2)
    world.step()
    world.served = 2
    assert world.step(is_idle=False), "over at once"
    assert (world.told, world.watch.version) == ([(2, False), (0, False)], 0)


def test_files_stay_at_hand_while_there_are_more_records_to_read(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.publisher.put_on_trial(2)
    world.step()
    world.publisher.put_on_trial(0)
    assert not world.step(is_idle=False)
    assert world.watch.bundle is not None and world.watch.version == 2
    assert world.step(is_idle=True) and world.watch.bundle is None


def test_a_rollout_that_goes_on_in_another_way_needs_no_download(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.publisher.put_on_trial(2)
    world.step()
    world.publisher.file(2).unlink()
    world.publisher.put_on_trial(2, rollout(serves=True))
    assert world.step()
    assert world.told == [(2, False), (2, True)]
    assert world.watch.tries.failures == 0


def test_files_that_are_missing_are_tried_again_less_and_less_often(tmp_path: Path) -> None:
    world = World(tmp_path)
    away = world.publisher.file(2).rename(tmp_path / "away")
    world.publisher.put_on_trial(2)
    failures = []
    for second in range(8):
        world.now_s = float(second)
        world.step()
        failures.append(world.watch.tries.failures)
    assert failures == [1, 2, 2, 3, 3, 3, 3, 4]
    assert "v2/gyroscope.safetensors" in world.watch.tries.last_error and world.told == []
    away.rename(world.publisher.file(2))
    world.now_s += 8
    world.step()
    assert (world.told, world.watch.tries.last_error) == ([(2, False)], "")


@pytest.mark.parametrize("again", ["announced", "moved"])
def test_what_does_not_load_is_tried_again_when_something_is_said_of_it(tmp_path: Path, again: str) -> None:
    world = World(tmp_path)
    world.broken = True
    world.publisher.put_on_trial(2)
    assert world.step() and world.watch.version == 0
    world.now_s += 1e6
    world.broken = False
    assert not world.step()
    if again == "announced":
        world.watch.tries.hear(b"version/2")
    else:
        world.publisher.put_on_trial(0)
        world.publisher.put_on_trial(2)
    assert world.step() and world.told == [(2, False)]


def test_a_version_that_was_never_announced_is_not_tried(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.publisher.put_on_trial(7)
    world.step()
    assert "never announced" in world.watch.tries.last_error
