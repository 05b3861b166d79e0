import threading
from pathlib import Path

import numpy as np
import pytest

from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec
from streams.models.channels import move_record
from streams.models.registry import Registry, RegistryAway
from streams.records import Decision
from tests.support.waiting import wait_until
from tests.support.watched_models import WatchedModels
from trainer.candidate import Candidate
from trainer.topics.publishing import MAX_WAITING, Publisher

SPEC = ModalitySpec(name="gravity", n_channels=1, n_steps=2, rate_hz=1.0)


def candidate(number: int, passed: bool = True, version: int | None = None) -> Candidate:
    wish = number if version is None else version
    manifest = ModelManifest(
        version=wish, parent=wish - 1, created_ns=1, modalities=(SPEC,), shared_modality="gravity", dim=2
    )
    bundle = ModelBundle(manifest, {"gravity": {"w": np.full(3, number, np.float32)}})
    return Candidate(bundle, Decision(version=wish, passed=passed, reason="because"))


def publisher_of(models: WatchedModels, folder: Path) -> Publisher:
    return Publisher(models, Registry(str(folder)), "stable", lambda: 7)


def test_a_version_is_readable_then_known_then_judged_then_followed(tmp_path: Path) -> None:
    models = WatchedModels()
    publisher = publisher_of(models, tmp_path)
    readable: list[bool] = []
    models.before_append = lambda: readable.append((tmp_path / "v1" / "gravity.safetensors").exists())
    assert publisher.announce(candidate(1)) == 1
    assert models.keys == ["version/1", "decision/1", "channel/candidate/1", "channel/stable/1"]
    assert all(readable)
    assert models.view.current("stable") == 1
    assert publisher.last_version == 1


def test_one_that_failed_is_announced_and_not_followed(tmp_path: Path) -> None:
    models = WatchedModels()
    publisher = publisher_of(models, tmp_path)
    publisher.announce(candidate(1))
    publisher.announce(candidate(2, passed=False))
    assert models.view.current("stable") == 1
    assert not models.view.decisions[2].passed


@pytest.mark.parametrize("fail_at", [1, 2, 3, 4])
def test_goes_on_where_it_was_interrupted_also_in_another_process(tmp_path: Path, fail_at: int) -> None:
    models = WatchedModels(fail_at)
    with pytest.raises(ConnectionError):
        publisher_of(models, tmp_path).announce(candidate(1))
    # The same encoders, whatever number they are given this time.
    assert publisher_of(models, tmp_path).announce(candidate(1, version=4)) in (1, 4)
    assert len(models.view.manifests) == 1
    assert sorted(key.partition("/")[0] for key in models.keys) == ["channel", "channel", "decision", "version"]
    assert models.view.channels["candidate"] == models.view.channels["stable"]


def test_what_is_announced_already_changes_nothing(tmp_path: Path) -> None:
    models = WatchedModels()
    publisher_of(models, tmp_path).announce(candidate(1))
    before = list(models.keys)
    assert publisher_of(models, tmp_path).announce(candidate(1)) == 1
    assert models.keys == before


def test_a_roll_back_is_not_undone_by_announcing_again(tmp_path: Path) -> None:
    models = WatchedModels()
    publisher = publisher_of(models, tmp_path)
    for number in (1, 2):
        publisher.announce(candidate(number))
    models.append(move_record(models.view, "stable", 1, "it was worse", "operator", 8))
    publisher.announce(candidate(2))
    assert models.view.current("stable") == 1


def test_a_number_that_is_taken_becomes_the_next_free_one(tmp_path: Path) -> None:
    models = WatchedModels()
    Registry(str(tmp_path)).publish(candidate(1).bundle)
    publisher = publisher_of(models, tmp_path)
    assert publisher.announce(candidate(5, version=1)) == 2
    assert publisher.announce(candidate(6, version=1)) == 3


def test_somebody_who_moves_the_channel_first_wins(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    models = WatchedModels()
    publisher = publisher_of(models, tmp_path)
    publisher.announce(candidate(1))
    append = models.append

    def append_second(record: tuple[bytes, bytes]) -> None:
        if b"channel" in record[0]:
            append(move_record(models.view, "stable", 1, "pinned", "operator", 8))
        append(record)

    models.append = append_second  # type: ignore[method-assign]
    publisher.announce(candidate(2))
    assert models.view.current("stable") == 1
    assert "moved stable first" in caplog.text


class AwayOnce(Registry):
    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.n_left = 1

    def publish(self, bundle: ModelBundle) -> ModelManifest:
        if self.n_left:
            self.n_left -= 1
            raise RegistryAway("no bucket")
        return super().publish(bundle)


def test_tries_again_while_the_registry_is_away(tmp_path: Path) -> None:
    models = WatchedModels()
    publisher = Publisher(models, AwayOnce(str(tmp_path)), "stable", lambda: 7, first_retry_s=0.01)
    publisher.offer(candidate(1))
    publisher.start()
    wait_until(lambda: publisher.last_version == 1, 20)
    publisher.stop(5)
    assert (publisher.n_failures, list(models.view.manifests), models.view.current("stable")) == (1, [1], 1)


def test_publishes_nothing_while_it_may_not(tmp_path: Path) -> None:
    models, allowed, asked = WatchedModels(), threading.Event(), threading.Event()

    def may_publish() -> bool:
        asked.set()
        return allowed.is_set()

    publisher = Publisher(models, Registry(str(tmp_path)), "stable", lambda: 7, may_publish, first_retry_s=0.01)
    publisher.start()
    publisher.offer(candidate(1))
    assert asked.wait(20)
    assert models.keys == []
    allowed.set()
    wait_until(lambda: publisher.last_version == 1, 20)
    publisher.stop(5)
    assert models.view.current("stable") == 1


def test_all_that_wait_are_announced_in_order_each_the_child_of_the_one_before(tmp_path: Path) -> None:
    models = WatchedModels()
    publisher = publisher_of(models, tmp_path)
    for number in (1, 2, 3):
        publisher.offer(candidate(number, version=1))
    publisher.start()
    wait_until(lambda: publisher.last_version == 3, 20)
    publisher.stop(5)
    assert [(one.version, one.parent) for one in models.view.manifests.values()] == [(1, 0), (2, 1), (3, 2)]


def test_of_too_many_that_wait_one_that_failed_is_given_up_first(tmp_path: Path) -> None:
    models = WatchedModels()
    publisher = publisher_of(models, tmp_path)
    for number in range(1, MAX_WAITING + 3):
        publisher.offer(candidate(number, passed=number != 4))
    publisher.start()
    wait_until(lambda: publisher.last_version == MAX_WAITING + 2, 20)
    publisher.stop(5)
    # Number 4 first, then the oldest.
    assert list(models.view.manifests) == [number for number in range(2, MAX_WAITING + 3) if number != 4]
