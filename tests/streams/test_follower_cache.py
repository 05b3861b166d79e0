"""A follower that starts without the broker or the store, from the version that it served last."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from encoders.bundle import ModelBundle
from streams import follower as module
from streams.follower import ModelFollower, NoModelYet
from streams.models.cache import ModelCache
from streams.models.log import MemoryModelLog, ModelRecord
from streams.settings import BrokerSettings
from tests.support.following import Publisher, loaded
from tests.support.models import windows
from tests.support.waiting import wait_until

NOBODY_LISTENS = "127.0.0.1:9"


class AwayLog(MemoryModelLog):
    """A topic that cannot be read until `back` is set."""

    def __init__(self, log: MemoryModelLog) -> None:
        super().__init__()
        self._log, self.back = log, threading.Event()

    def records(self, stop: threading.Event) -> Iterator[ModelRecord | None]:
        while not self.back.wait(0.02):
            if stop.is_set():
                return
        yield from self._log.records(stop)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHE_AFTER_S", 0.3)


@pytest.fixture
def served(tmp_path: Path) -> Publisher:
    """Versions 1 and 2 were served, one after the other, by a follower that is gone."""
    publisher = Publisher(tmp_path / "models")
    with followed(publisher, publisher.log, tmp_path) as follower:
        for version in (1, 2):
            publisher.publish(version)
            publisher.move("stable", version)
            assert follower.wait_for(version, timeout_s=30)
        wait_until(lambda: len(list((tmp_path / "cache").glob("*/v*"))) == 2, 10)
    return publisher


def followed(publisher: Publisher, log: MemoryModelLog, folder: Path) -> ModelFollower:
    return ModelFollower(root=str(publisher.root), models=log, follower_id="me", cache=folder / "cache")


def is_cache_read() -> bool:
    """Whether nobody waits for the broker, or reads what was kept, any more."""
    return all(thread.name != "model-cache" for thread in threading.enumerate())


def damage(folder: Path, version: int) -> None:
    (file,) = (folder / "cache").glob(f"*/v{version}-*/gyroscope.safetensors")
    good = file.read_bytes()
    file.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))


def test_without_the_broker_the_last_version_is_served_until_the_channel_is_read(
    served: Publisher, tmp_path: Path
) -> None:
    away = AwayLog(served.log)
    served.publish(3)
    with followed(served, away, tmp_path) as follower:
        assert follower.wait_for(2, timeout_s=20)
        np.testing.assert_array_equal(follower.embed(windows()), loaded(2).embed(windows()))
        served.move("stable", 3)
        away.back.set()
        assert follower.wait_for(3, timeout_s=20)


def test_what_the_channel_went_back_to_meanwhile_is_served_once_it_is_read(served: Publisher, tmp_path: Path) -> None:
    away = AwayLog(served.log)
    with followed(served, away, tmp_path) as follower:
        assert follower.wait_for(2, timeout_s=20)
        served.move("stable", 1)
        away.back.set()
        wait_until(lambda: follower.version == 1, 20)


def test_without_the_store_the_channels_version_is_served_as_it_was_kept(served: Publisher, tmp_path: Path) -> None:
    served.root.rename(tmp_path / "away")
    with followed(served, served.log, tmp_path) as follower:
        assert follower.wait_for(2, timeout_s=20)
        assert follower.failures == 0, "it is at hand"


def test_without_the_store_an_older_version_is_served_until_the_channels_can_be_had(
    served: Publisher, tmp_path: Path
) -> None:
    served.publish(3)
    served.move("stable", 3)
    away = served.root.rename(tmp_path / "away")
    with followed(served, served.log, tmp_path) as follower:
        assert follower.wait_for(2, timeout_s=20)
        assert (follower.version, follower.failures >= 1) == (2, True)
        away.rename(served.root)
        assert follower.wait_for(3, timeout_s=20)


def test_a_damaged_copy_is_never_served_and_the_one_before_is(
    served: Publisher, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damage(tmp_path, 2)
    with followed(served, AwayLog(served.log), tmp_path) as follower:
        wait_until(lambda: follower.version > 0, 20)
        assert follower.version == 1
    assert "what was kept is damaged and not used" in caplog.text


def test_where_all_copies_are_damaged_there_is_no_model_before_the_channel_is_read(
    served: Publisher, tmp_path: Path
) -> None:
    for version in (1, 2):
        damage(tmp_path, version)
    away = AwayLog(served.log)
    with followed(served, away, tmp_path) as follower:
        wait_until(is_cache_read, 20)
        with pytest.raises(NoModelYet):
            follower.embed(windows())
        away.back.set()
        assert follower.wait_for(2, timeout_s=20)


def test_where_the_broker_answers_in_time_no_kept_version_comes_between(
    served: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CACHE_AFTER_S", 20.0)
    served.publish(3)
    served.move("stable", 3)
    away = AwayLog(served.log)
    asked: list[ModelCache] = []
    newest_first = ModelCache.newest_first

    def noted(cache: ModelCache) -> Iterator[ModelBundle]:
        asked.append(cache)
        return newest_first(cache)

    monkeypatch.setattr(ModelCache, "newest_first", noted)
    with followed(served, away, tmp_path) as follower:
        assert follower.version == 0
        away.back.set()
        assert follower.wait_for(1, timeout_s=10)
        wait_until(is_cache_read, 20)
        assert (follower.version, follower.swaps, asked) == (3, 1, [])


def test_a_channel_without_a_version_is_believed(served: Publisher, tmp_path: Path) -> None:
    served.move("stable", 0)
    with followed(served, served.log, tmp_path) as follower:
        assert follower.watch.wait_until_settled(20)
        wait_until(is_cache_read, 20)
        assert follower.version == 0


def test_a_follower_without_a_cache_waits_for_the_broker(served: Publisher) -> None:
    with ModelFollower(root=str(served.root), models=AwayLog(served.log)) as follower:
        assert not follower.wait_for(1, timeout_s=1.0)


def test_starts_beside_a_real_broker_that_is_away(served: Publisher, tmp_path: Path) -> None:
    nobody = BrokerSettings(bootstrap_servers=NOBODY_LISTENS)
    with ModelFollower(nobody, str(tmp_path / "nowhere"), cache=str(tmp_path / "cache")) as follower:
        assert follower.wait_for(2, timeout_s=20)
        assert follower.embed_versioned(windows()).version == 2
