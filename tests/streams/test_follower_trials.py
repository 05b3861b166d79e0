"""A version on trial in a follower, from the move that begins it to the one that ends it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from streams.follower import ModelFollower
from streams.models import serving
from streams.models.registry import Registry
from streams.records import FollowerReport
from tests.support.following import Publisher, loaded, rollout, unlike_windows
from tests.support.models import windows
from tests.support.waiting import wait_until

Follow = Callable[..., ModelFollower]


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    """Version 1 is stable, 2 and 3 are announced."""
    publisher = Publisher(tmp_path / "models")
    for version in (1, 2, 3):
        publisher.publish(version)
    publisher.move("stable", 1)
    return publisher


@pytest.fixture
def follow(publisher: Publisher) -> Iterator[Follow]:
    """Starts a follower that serves version 1."""
    started: list[ModelFollower] = []

    def start(**options: object) -> ModelFollower:
        follower = ModelFollower(
            root=str(publisher.root),
            models=publisher.log,
            follower_id="me",
            **options,  # type: ignore[arg-type]
        )
        started.append(follower)
        follower.start()
        assert follower.wait_for(1, timeout_s=30)
        return follower

    yield start
    for follower in started:
        follower.stop()


def trial_of(follower: ModelFollower) -> int:
    trial = follower._serving.trial
    return trial.model.version if trial else 0


def last_report(publisher: Publisher, is_wanted: Callable[[FollowerReport], bool]) -> FollowerReport:
    wait_until(lambda: bool(publisher.log.reports) and is_wanted(publisher.log.reports[-1]), 10)
    return publisher.log.reports[-1]


@pytest.mark.parametrize("serves", [False, True])
def test_a_version_on_trial_embeds_beside_the_one_served(publisher: Publisher, follow: Follow, serves: bool) -> None:
    follower = follow()
    publisher.put_on_trial(2, rollout(serves=serves))
    wait_until(lambda: trial_of(follower) == 2, 10)
    for i in range(16):
        given = follower.embed_versioned(unlike_windows(4, i))
        assert given.version == 1 + serves
        np.testing.assert_array_equal(given.rows, loaded(1 + serves).embed(unlike_windows(4, i)))
    assert (follower.version, follower.model.version) == (1, 1)
    publisher.put_on_trial(0)
    report = last_report(publisher, lambda one: one.trial is None and one.use is not None and one.use.calls > 0)
    assert report.agreement is None
    tried = [one for one in publisher.log.reports if one.trial is not None]
    assert {one.trial.version for one in tried if one.trial} == {2}
    np.testing.assert_array_equal(follower.embed(windows()), loaded(1).embed(windows()))


def test_the_report_at_the_end_has_what_was_counted(publisher: Publisher, follow: Follow) -> None:
    follower = follow()
    publisher.put_on_trial(2)
    wait_until(lambda: trial_of(follower) == 2, 10)
    for i in range(16):
        follower.embed(unlike_windows(4, i))
    with pytest.raises(ValueError, match="no windows"):
        follower.embed({})
    follower.stop()
    report = publisher.log.reports[-1]
    assert report.details == {"channel": "stable", "stopped": True}
    assert report.use is not None and report.trial is not None
    assert [(one.version, one.calls, one.errors) for one in (report.use, report.trial)] == [(1, 17, 1), (2, 17, 1)]
    assert report.use.embed_s > 0 and report.use.mean_cosine is not None and report.trial.mean_cosine is not None
    assert report.agreement is not None and 0 < report.agreement < 1
    assert report.use.since_ns < report.trial.since_ns <= report.at_ns


@pytest.mark.parametrize("ends_first", [False, True])
def test_a_promoted_trial_is_served_without_a_second_download(
    publisher: Publisher, follow: Follow, monkeypatch: pytest.MonkeyPatch, ends_first: bool
) -> None:
    fetched: list[int] = []
    fetch = Registry.fetch

    def counted(self: Registry, manifest: ModelManifest, *rest: object) -> ModelBundle:
        fetched.append(manifest.version)
        return fetch(self, manifest, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Registry, "fetch", counted)
    follower = follow()
    publisher.put_on_trial(2)
    wait_until(lambda: trial_of(follower) == 2, 10)
    tried = follower._serving.trial
    assert tried is not None
    if ends_first:
        with publisher.log._news:  # so that it reads both at once
            publisher.put_on_trial(0)
            publisher.move("stable", 2)
    else:
        publisher.move("stable", 2)
    assert follower.wait_for(2, timeout_s=10)
    wait_until(lambda: trial_of(follower) == 0, 10)
    assert fetched == [1, 2]
    assert follower.model is tried.model, "nor is it loaded again"
    report = last_report(publisher, lambda one: one.version == 2 and one.trial is None)
    assert report.use is not None and (report.use.version, report.use.calls) == (2, 0)
    assert follower.embed_versioned(windows()).version == 2


def test_a_trial_that_cannot_be_loaded_is_told_and_harms_nobody(
    publisher: Publisher, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = follow()
    good = publisher.file(2).read_bytes()
    publisher.file(2).write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    publisher.put_on_trial(2)
    report = last_report(publisher, lambda one: one.failures > 0)
    assert "version 2, v2/gyroscope.safetensors: wanted sha256" in report.last_error
    assert (report.version, report.trial, follower.failures >= 1) == (1, None, True)
    assert follower.embed_versioned(windows()).version == 1
    assert trial_of(follower) == 0
    publisher.file(2).write_bytes(good)
    publisher.publish(2)
    wait_until(lambda: trial_of(follower) == 2, 10)
    monkeypatch.setattr(serving, "loaded", None)
    publisher.move("stable", 2)
    assert follower.wait_for(2, timeout_s=10)
    assert follower.watch.last_error == ""


def test_a_trial_stays_while_the_served_version_changes(publisher: Publisher, follow: Follow) -> None:
    follower = follow()
    publisher.put_on_trial(2)
    wait_until(lambda: trial_of(follower) == 2, 10)
    publisher.move("stable", 3)
    assert follower.wait_for(3, timeout_s=10)
    assert (trial_of(follower), follower.embed_versioned(windows()).version) == (2, 3)
