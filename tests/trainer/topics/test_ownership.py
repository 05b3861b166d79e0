"""Who may publish after what is there: in memory."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec
from streams.models.registry import Registry, RegistryAway
from streams.records import Decision
from tests.support.waiting import wait_until
from tests.support.watched_models import WatchedModels
from trainer.candidate import Candidate
from trainer.topics.publishing import NotTheOwner, Publisher

SPEC = ModalitySpec(name="gravity", n_channels=1, n_steps=2, rate_hz=1.0)


def candidate(number: int) -> Candidate:
    manifest = ModelManifest(
        version=number, parent=number - 1, created_ns=1, modalities=(SPEC,), shared_modality="gravity", dim=2
    )
    bundle = ModelBundle(manifest, {"gravity": {"w": np.full(3, number, np.float32)}})
    return Candidate(bundle, Decision(version=number, passed=True, reason="because"))


class World:
    """A topic and a registry that publishers share."""

    def __init__(self, folder: Path) -> None:
        self.models, self.folder = WatchedModels(), folder

    def publisher(self, lineage: str, last_version: int = 0, registry: Registry | None = None) -> Publisher:
        found = registry or Registry(str(self.folder))
        return Publisher(
            self.models,
            found,
            "stable",
            lambda: 7,
            last_version=last_version,
            lineage=lineage,
            first_retry_s=0.01,
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_is_published_says_of_which_training_it_is(world: World) -> None:
    world.publisher("mine").announce(candidate(1))
    assert world.models.view.manifests[1].lineage == "mine"


def test_a_trainer_does_not_begin_after_a_version_of_another_training(world: World) -> None:
    world.publisher("theirs").announce(candidate(1))
    with pytest.raises(NotTheOwner, match=r"set trainer\.adopt_version to 1"):
        world.publisher("mine").claim()
    with pytest.raises(NotTheOwner):
        world.publisher("mine").claim(adopt_version=2)


def test_a_version_of_another_training_is_followed_on_where_a_person_says_so(world: World) -> None:
    world.publisher("theirs").announce(candidate(1))
    mine = world.publisher("mine")
    mine.claim(adopt_version=1)
    assert mine.announce(candidate(2)) == 2
    assert (world.models.view.manifests[2].parent, world.models.view.manifests[2].lineage) == (1, "mine")


@pytest.mark.parametrize("lineage", ["", "mine"])
def test_its_own_versions_and_those_of_no_training_are_followed_on(world: World, lineage: str) -> None:
    world.publisher(lineage).announce(candidate(1))
    mine = world.publisher("mine")
    mine.claim()
    assert mine.last_version == 1
    assert mine.announce(candidate(2)) == 2


@pytest.mark.parametrize(("lineage", "whose"), [("mine", "a successor of this"), ("theirs", "another")])
def test_one_that_slept_while_another_went_on_publishes_nothing(world: World, lineage: str, whose: str) -> None:
    asleep = world.publisher("mine")
    asleep.announce(candidate(1))
    world.publisher(lineage, last_version=1).announce(candidate(2))
    before = list(world.models.keys)
    with pytest.raises(NotTheOwner, match=f"version 2 was published by {whose} training"):
        asleep.announce(candidate(3))
    assert world.models.keys == before
    assert world.models.view.current("stable") == 2


class Slow(Registry):
    """Somebody else is faster."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def publish(self, bundle: ModelBundle) -> ModelManifest:
        written = super().publish(bundle)
        self.meanwhile()
        return written


def test_one_that_slept_over_its_files_publishes_nothing_either(world: World) -> None:
    registry = Slow(str(world.folder))
    asleep = world.publisher("mine", registry=registry)
    asleep.announce(candidate(1))
    registry.meanwhile = lambda: world.publisher("mine", last_version=1).announce(candidate(2))
    with pytest.raises(NotTheOwner):
        asleep.announce(candidate(3))
    assert sorted(world.models.view.manifests) == [1, 2]
    assert world.models.view.current("stable") == 2


def test_its_thread_ends_and_says_why(world: World) -> None:
    asleep = world.publisher("mine")
    world.publisher("theirs").announce(candidate(1))
    asleep.offer(candidate(2))
    asleep.start()
    wait_until(lambda: asleep.refusal is not None, 20)
    asleep.stop(5)
    assert list(world.models.view.manifests) == [1]


class AwayFor(Registry):
    n_left = 0

    def publish(self, bundle: ModelBundle) -> ModelManifest:
        self.n_left -= 1
        if self.n_left >= 0:
            raise RegistryAway("no bucket")
        return super().publish(bundle)


def test_complains_while_a_version_cannot_be_published(world: World) -> None:
    registry = AwayFor(str(world.folder))
    registry.n_left = 1 << 30
    publisher = world.publisher("mine", registry=registry)
    publisher.offer(candidate(1))
    publisher.start()
    wait_until(lambda: "no bucket" in publisher.complaint, 20)
    registry.n_left = 0
    wait_until(lambda: publisher.last_version == 1 and not publisher.complaint, 20)
    publisher.stop(5)


def test_announces_nothing_while_the_group_does_not_confirm_it(world: World) -> None:
    unsure = Publisher(world.models, Registry(str(world.folder)), "stable", lambda: 7, lambda: False)
    with pytest.raises(Exception, match="another trainer may hold the group"):
        unsure.announce(candidate(1))
    assert world.models.keys == []
