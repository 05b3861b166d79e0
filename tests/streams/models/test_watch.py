"""Which version a watch delivers, in which order, and what it says of one that cannot be had."""

from pathlib import Path

from encoders.modality import ModalitySpec
from tests.support.watching import World


def test_a_published_version_is_not_delivered_before_the_channel_points_at_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.publish(1)
    assert world.delivered == []
    world.promote(1)
    assert (world.delivered, world.watch.version, world.watch.swaps) == ([1], 1, 1)


def test_versions_of_the_past_are_passed_over_on_start(tmp_path: Path) -> None:
    world = World(tmp_path)
    for version in (1, 2, 3):
        world.publish(version)
        world.promote(version)
    world.idle()
    assert world.delivered == [3]


def test_another_channel_is_no_business_of_ours(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.publish(1)
    world.promote(1, channel="candidate")
    assert world.delivered == []


def test_rolls_back_to_a_version_and_to_none(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    for version in (1, 2):
        world.publish(version)
        world.promote(version)
    world.promote(1)
    world.promote(0)
    assert world.delivered == [1, 2, 1, 0]


def test_a_damaged_file_keeps_the_old_model_and_is_counted(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.publish(1)
    world.promote(1)
    world.publish(2)
    good = world.file(2).read_bytes()
    world.file(2).write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    world.promote(2)
    assert (world.watch.version, world.watch.failures) == (1, 1)
    assert "v2/gyroscope.safetensors: wanted sha256" in world.watch.last_error


def test_a_damaged_file_is_tried_again_after_a_while_and_at_once_when_it_is_announced_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.publish(1)
    good = world.file(1).read_bytes()
    world.file(1).write_bytes(b"\x00" * len(good))
    world.promote(1)
    attempts = []
    for second in range(1, 8):
        world.now_s = float(second)
        world.idle()
        attempts.append(world.watch.failures)
    assert attempts == [2, 2, 3, 3, 3, 3, 4]
    assert world.delivered == [], "never in part"
    world.file(1).write_bytes(good)
    world.publish(1)
    assert (world.delivered, world.watch.last_error) == ([1], "")


def test_the_waits_of_one_version_are_not_those_of_the_next(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    for version in (1, 2):
        world.publish(version)
        world.file(version).unlink()
        world.promote(version)
        for _ in range(6):
            before = world.watch.failures
            world.now_s += 60.0
            world.idle()
            assert world.watch.failures == before + 1
        world.now_s += 59.0
        world.idle()
        assert world.watch.failures == before + 1, "not before 60 s have passed"
    world.publish(3)
    world.file(3).unlink()
    world.promote(3)
    world.now_s += 1.0
    before = world.watch.failures
    world.idle()
    assert world.watch.failures == before + 1


def test_a_missing_file_is_tried_again_after_a_while_and_then_less_often(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.publish(1)
    away = world.file(1).rename(tmp_path / "away")
    world.promote(1)
    attempts = []
    for second in range(1, 16):
        world.now_s = float(second)
        world.idle()
        attempts.append(world.watch.failures)
    # Tried at 0, after 1 s, after 2 more, 4 more, 8 more.
    assert attempts == [2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5]
    away.rename(world.file(1))
    world.now_s += 16
    world.idle()
    assert (world.delivered, world.watch.last_error) == ([1], "")


def test_a_model_that_does_not_load_keeps_the_old_one(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.publish(1)
    world.broken = True
    world.promote(1)
    assert (world.watch.version, world.watch.failures) == (0, 1)
    assert "does not load" in world.watch.last_error
    world.now_s += 1e6
    world.idle()
    assert world.watch.failures == 1, "it would not load the next time either"


def test_a_version_without_a_manifest_keeps_the_old_one(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.promote(7)
    assert "never announced" in world.watch.last_error


def test_an_unknown_modality_keeps_the_old_one(tmp_path: Path) -> None:
    world = World(tmp_path, modalities=["radar"])
    world.idle()
    world.publish(1)
    world.promote(1)
    assert "radar" in world.watch.last_error


def test_windows_of_another_shape_than_ours_keep_the_old_one(tmp_path: Path) -> None:
    ours = ModalitySpec(name="gravity", n_channels=3, n_steps=64, rate_hz=50)
    world = World(tmp_path, specs={"gravity": ours})
    world.idle()
    world.publish(1)
    world.promote(1)
    assert (world.watch.version, world.watch.failures) == (0, 1)
    assert "as in our settings" in world.watch.last_error


def test_only_the_files_of_the_wanted_modalities_are_needed(tmp_path: Path) -> None:
    world = World(tmp_path, modalities=["gravity"])
    world.idle()
    world.publish(1)
    world.file(1, "gyroscope").unlink()
    world.promote(1)
    assert world.delivered == [1]
