"""What is kept of the versions that were served, and that nothing damaged or half written is given back."""

import logging
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from streams.models.cache import KEPT, LEFT_OVER_S, ModelCache, NearestFirst
from streams.models.registry import Registry
from tests.support.models import bundle


def published(tmp_path: Path, version: int) -> ModelBundle:
    registry = Registry(str(tmp_path / "models"))
    return registry.fetch(registry.publish(bundle(version)))


def versions(cache: ModelCache) -> list[int]:
    return [one.manifest.version for one in cache.newest_first()]


def files(tmp_path: Path, version: int, name: str = "gyroscope.safetensors") -> Path:
    (found,) = (tmp_path / "cache").rglob(f"v{version}-*/{name}")
    return found


def test_gives_back_what_was_served_last_first(tmp_path: Path) -> None:
    cache = ModelCache(tmp_path / "cache", "stable")
    assert versions(cache) == []
    for version in (1, 2):
        cache.keep(published(tmp_path, version))
    assert versions(cache) == [2, 1]
    cache.keep(published(tmp_path, 1))
    assert versions(cache) == [1, 2], "also after it went back to an older one"
    found = next(cache.newest_first())
    assert found.manifest == published(tmp_path, 1).manifest
    for name, arrays in bundle(1).weights.items():
        for key, array in arrays.items():
            np.testing.assert_array_equal(found.weights[name][key], array)


def test_what_is_served_last_is_first_also_where_the_clock_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ModelCache(tmp_path / "cache", "stable")
    cache.keep(published(tmp_path, 1))
    monkeypatch.setattr(time, "time_ns", lambda: 1)
    cache.keep(published(tmp_path, 2))
    assert versions(cache) == [2, 1]


def test_keeps_two_and_leaves_nothing_else_behind(tmp_path: Path) -> None:
    cache = ModelCache(tmp_path / "cache", "stable")
    for version in range(1, 6):
        cache.keep(published(tmp_path, version))
    assert versions(cache) == [5, 4]
    (folder,) = (tmp_path / "cache").iterdir()
    assert len(list(folder.iterdir())) == KEPT


@pytest.mark.parametrize("name", ["gyroscope.safetensors", "manifest.json"])
@pytest.mark.parametrize("damage", ["a bit", "cut", "gone"])
def test_what_is_damaged_is_passed_over_with_a_line(
    tmp_path: Path, name: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    cache = ModelCache(tmp_path / "cache", "stable")
    for version in (1, 2):
        cache.keep(published(tmp_path, version))
    file = files(tmp_path, 2, name)
    good = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        at = good.index(b"rate_hz") + len(b'rate_hz":') if name == "manifest.json" else len(good) - 1
        bad = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        file.write_bytes(bad if damage == "a bit" else good[: len(good) // 2])
    with caplog.at_level(logging.WARNING):
        assert versions(cache) == [1]
        assert cache.find(published(tmp_path, 2).manifest) is None
    assert damage == "gone" or "what was kept is damaged and not used" in caplog.text
    cache.keep(published(tmp_path, 2))
    assert versions(cache) == [2, 1], "mended when it is served again"


def test_nothing_half_written_is_seen_and_it_is_removed_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ModelCache(tmp_path / "cache", "stable")
    cache.keep(published(tmp_path, 1))
    with monkeypatch.context() as patch:

        def killed(self: Path, target: Path) -> None:
            raise KeyboardInterrupt

        patch.setattr(Path, "rename", killed)
        patch.setattr("shutil.rmtree", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            cache.keep(published(tmp_path, 2))
    assert versions(cache) == [1]
    (left,) = next((tmp_path / "cache").iterdir()).glob(".fresh-*")
    cache.keep(published(tmp_path, 1))
    assert left.exists(), "another process may be at it"
    long_ago_s = time.time() - LEFT_OVER_S - 1
    os.utime(left, (long_ago_s, long_ago_s))
    cache.keep(published(tmp_path, 1))
    assert not left.exists()


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cache").write_text("a file")
    cache = ModelCache(tmp_path / "cache", "stable")
    cache.keep(published(tmp_path, 1))
    assert "version 1 is not kept" in caplog.text
    assert versions(cache) == []


def test_each_channel_and_choice_of_modalities_has_its_own(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "models"))
    part = registry.fetch(registry.publish(bundle(1)), ["gravity"])
    ModelCache(tmp_path / "cache", "stable", ["gravity"]).keep(part)
    assert versions(ModelCache(tmp_path / "cache", "stable")) == []
    assert versions(ModelCache(tmp_path / "cache", "candidate", ["gravity"])) == []
    (found,) = ModelCache(tmp_path / "cache", "stable", ["gravity"]).newest_first()
    assert (list(found.weights), found.manifest) == (["gravity"], part.manifest)


def test_many_at_the_same_folder_see_whole_versions_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bundles = [published(tmp_path, version) for version in range(1, 5)]
    expected = {one.manifest.version: one.weights["gravity"]["head.2.bias"] for one in bundles}
    failures: list[BaseException] = []

    def use(seed: int) -> None:
        cache = ModelCache(tmp_path / "cache", "stable")
        try:
            for turn in np.random.default_rng(seed).integers(4, size=25):
                cache.keep(bundles[turn])
                for found in cache.newest_first():
                    np.testing.assert_array_equal(
                        found.weights["gravity"]["head.2.bias"], expected[found.manifest.version]
                    )
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=use, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    cache = ModelCache(tmp_path / "cache", "stable")
    cache.keep(bundles[0])
    assert versions(cache)[0] == 1 and len(versions(cache)) <= KEPT


def test_the_nearest_copy_is_taken(tmp_path: Path) -> None:
    asked: list[int] = []

    class Counting:
        def fetch(self, manifest: ModelManifest, modalities: Iterable[str] | None = None) -> ModelBundle:
            asked.append(manifest.version)
            return registry.fetch(manifest, modalities)

    registry = Registry(str(tmp_path / "models"))
    held, kept, far = (published(tmp_path, version) for version in (1, 2, 3))
    cache = ModelCache(tmp_path / "cache", "stable")
    cache.keep(kept)
    source = NearestFirst(lambda: held, cache, Counting())
    assert [source.fetch(one.manifest).manifest.version for one in (held, kept, far)] == [1, 2, 3]
    assert asked == [3]
    assert source.fetch(held.manifest) is held
