"""Many threads embed while versions come and go: each call is answered by one version as a whole."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from encoders.scaling import fit_scaling
from streams.features import FeatureMaker
from streams.follower import ModelFollower
from streams.models.registry import Registry
from tests.support.following import Publisher, loaded, rollout
from tests.support.models import windows
from tests.support.waiting import wait_until

VERSIONS = (1, 2, 3)
N_SWAPS = 2000
N_THREADS = 4
SCALING = {name: fit_scaling(values) for name, values in windows().items()}
MODELS = {version: loaded(version) for version in VERSIONS}
EMBEDDED = {version: model.embed(windows()) for version, model in MODELS.items()}
FEATURES = {version: FeatureMaker(model).of_source(windows(), SCALING) for version, model in MODELS.items()}


def version_of(rows: np.ndarray, known: dict[int, np.ndarray]) -> int:
    """The version that gives just these rows, bit for bit; 0 if none does."""
    return next((version for version, expected in known.items() if np.array_equal(rows, expected)), 0)


def asking(follower: ModelFollower, stop: threading.Event, seen: list[int]) -> Callable[[], None]:
    def ask() -> None:
        try:
            while not stop.is_set():
                given = follower.embed_versioned(windows())
                by = version_of(given.rows, EMBEDDED)
                seen.append(by if by == given.version else -1)
                seen.append(version_of(follower.embed(windows()), EMBEDDED))
                seen.append(version_of(follower.features(windows(), SCALING), FEATURES))
        except BaseException as error:
            seen.append(-2)
            raise AssertionError from error

    return ask


def swap_about(publisher: Publisher, seen: list[list[int]]) -> None:
    """Moves the channel to and fro, with calls between any two moves."""
    rng = np.random.default_rng(0)
    for i in range(N_SWAPS):
        present, n_seen = publisher.view.current("stable") or 0, sum(map(len, seen))
        publisher.move("stable", 1 + (present + int(rng.integers(2))) % 3)
        wait_until(lambda: sum(map(len, seen)) > n_seen, 60, every_s=0.0005)  # noqa: B023 - called at once
        if i % 50 == 0:
            publisher.put_on_trial(1 + i // 50 % 3, rollout(serves=i % 100 == 0))


def test_each_call_is_of_one_version_while_thousands_are_swapped_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = Publisher(tmp_path / "models")
    for version in VERSIONS:
        publisher.publish(version)
    publisher.move("stable", 1)
    # What is tested is the swap: without reading files and building encoders there are more of them.
    monkeypatch.setattr("streams.follower.loaded", lambda bundle, device: MODELS[bundle.manifest.version])
    registry = Registry(str(publisher.root))
    bundles = {version: registry.fetch(publisher.view.manifests[version]) for version in VERSIONS}
    monkeypatch.setattr("streams.models.cache.NearestFirst.fetch", lambda self, one, _=None: bundles[one.version])
    follower = ModelFollower(root=str(publisher.root), models=publisher.log, follower_id="me")
    seen: list[list[int]] = [[] for _ in range(N_THREADS)]
    stop = threading.Event()
    with follower:
        assert follower.wait_for(1, timeout_s=30)
        threads = [threading.Thread(target=asking(follower, stop, one)) for one in seen]
        for thread in threads:
            thread.start()
        try:
            swap_about(publisher, seen)
            wait_until(lambda: follower.swaps >= N_SWAPS, 120)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert follower.swaps >= N_SWAPS and follower.failures == 0
    counts = {version: sum(one.count(version) for one in seen) for version in (-2, -1, 0, *VERSIONS)}
    assert (counts[-2], counts[-1], counts[0]) == (0, 0, 0), counts
    assert min(counts[version] for version in VERSIONS) > 100, counts


def test_calls_of_many_threads_are_all_counted(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path / "models")
    for version in (1, 2):
        publisher.publish(version)
    publisher.move("stable", 1)
    publisher.put_on_trial(2)
    with ModelFollower(root=str(publisher.root), models=publisher.log, follower_id="me") as follower:
        assert follower.wait_for(1, timeout_s=30)
        wait_until(lambda: follower._serving.trial is not None, 30)

        def embed() -> None:
            for _ in range(100):
                follower.embed(windows(2))

        threads = [threading.Thread(target=embed) for _ in range(N_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    report = publisher.log.reports[-1]
    assert report.use is not None and report.trial is not None
    assert (report.use.calls, report.trial.calls) == (100 * N_THREADS, 100 * N_THREADS)
