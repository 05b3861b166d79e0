"""When a watch reports and what, whether it is well, and what it makes of a version from elsewhere."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from encoders.bundle import ModelBundle
from streams.models.log import MemoryModelLog, ModelRecord
from streams.models.registry import Registry
from streams.models.trial import TrialWatch
from streams.models.watch import ModelWatch
from streams.records import VersionUse
from tests.support.following import Publisher
from tests.support.models import bundle
from tests.support.waiting import wait_until
from tests.support.watching import World


def test_reports_what_it_runs_after_each_change_and_once_a_minute(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.publish(1)
    world.promote(1)
    world.idle()
    assert [report.version for report in world.log.reports] == [0, 1]
    world.now_s += 61
    world.idle()
    assert [report.version for report in world.log.reports] == [0, 1, 1]
    assert world.log.reports[-1].details == {"channel": "stable"}


def test_is_not_well_before_the_topic_is_read_to_its_end(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.watch.complaints() == ["the models topic is not read to its end yet"]
    world.idle()
    assert world.watch.complaints() == []


def test_is_not_well_after_its_thread_died(tmp_path: Path) -> None:
    class Broken(MemoryModelLog):
        def records(self, stop: threading.Event) -> Iterator[ModelRecord | None]:
            yield None
            raise RuntimeError("unforeseen")

    watch = ModelWatch(Broken(), Registry(str(tmp_path)), lambda manifest, bundle: None)
    watch.start()
    watch._thread.join(10)
    assert watch.complaints() == ["models are not followed any more: RuntimeError: unforeseen"]


def test_says_once_more_what_it_ran_when_it_is_stopped(tmp_path: Path) -> None:
    log = MemoryModelLog()
    watch = ModelWatch(log, Registry(str(tmp_path)), lambda manifest, bundle: None, follower_id="me")
    watch.start()
    wait_until(lambda: watch.is_caught_up, 10)
    watch.stop()
    assert [report.details for report in log.reports] == [
        {"channel": "stable"},
        {"channel": "stable", "stopped": True},
    ]


def test_during_a_trial_it_reports_more_often_and_how_both_do(tmp_path: Path) -> None:
    publisher, use = Publisher(tmp_path), VersionUse(version=1, since_ns=5)
    now_s = [0.0]
    registry = Registry(str(tmp_path))
    trials = TrialWatch(registry, lambda how, bundle: None, channel="stable", follower_id="me")
    watch = ModelWatch(
        publisher.log,
        registry,
        lambda manifest, bundle: None,
        follower_id="me",
        now_s=lambda: now_s[0],
        trials=trials,
        told=lambda: (use, use if trials.version else None, 0.5 if trials.version else None),
    )
    for version in (1, 2):
        publisher.publish(version)
    publisher.move("stable", 1)
    publisher.put_on_trial(2)

    def read() -> int:
        for record in publisher.log._records:  # a record may come twice
            watch.follow(record)
        watch.follow(None)
        return len(publisher.log.reports)

    n_reports = read()
    last = publisher.log.reports[-1]
    assert (last.version, last.use, last.trial, last.agreement) == (1, use, use, 0.5)
    now_s[0] += 9
    assert read() == n_reports
    now_s[0] += 1
    assert read() == n_reports + 1
    publisher.put_on_trial(0)
    assert read() == n_reports + 2, "at its end"
    assert publisher.log.reports[-1].trial is None
    now_s[0] += 59
    assert read() == n_reports + 2
    now_s[0] += 1
    assert read() == n_reports + 3


def test_what_was_taken_up_from_elsewhere_gives_way_to_what_the_channel_says(tmp_path: Path) -> None:
    world = World(tmp_path / "models")
    assert world.watch.take_up(bundle(2))
    assert (world.delivered, world.watch.version) == ([2], 2)
    assert not world.watch.take_up(bundle(1)), "there is one"
    for version in (1, 2):
        world.publish(version)
    world.promote(1)
    world.idle()
    assert world.delivered == [2, 1]


def test_another_version_under_the_same_number_is_delivered_and_the_same_one_is_not(tmp_path: Path) -> None:
    manifest = Registry(str(tmp_path / "kept")).publish(bundle(5))
    for files, delivered in (((), [5, 5]), (manifest.files, [5])):
        world = World(tmp_path / str(len(files)))
        manifest = msgspec.structs.replace(manifest, files=files)
        assert world.watch.take_up(ModelBundle(manifest, bundle(5).weights))
        world.publish(5)
        world.promote(5)
        world.idle()
        world.idle()
        assert world.delivered == delivered


def test_nothing_is_taken_up_where_the_channel_says_that_there_is_none(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    assert world.watch.wait_until_settled(0.0)
    assert not world.watch.take_up(bundle(1))
    world.promote(1)
    assert not world.watch.wait_until_settled(0.0)
    world.broken = True
    assert not world.watch.take_up(bundle(1)), "it does not load"
    world.broken = False
    assert world.watch.take_up(bundle(1))
