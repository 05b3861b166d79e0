"""The channel moves on while a model's generation is being built: what the bind stage is to build follows at once."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from streams.registry_settings import RegistrySettings
from streams.settings import ModalitySettings, StreamSettings
from streams.worker.mailbox import NO_MODEL, Mailbox
from streams.worker.model_stage import LOOK_AGAIN_S, ModelStage
from tests.support.bind_bench import SAMPLES, Bench, encoder, run, until, wanted
from tests.support.following import Publisher
from tests.support.models import SPECS
from tests.support.waiting import wait_until


class Channel(Publisher):
    """A channel, and a stage that follows it: nobody builds what it puts into the mailbox, but for the test."""

    def __init__(self, root: Path, has_begun: bool = True) -> None:
        super().__init__(root)
        self.mailbox = Mailbox()
        if has_begun:
            self.mailbox.settle(NO_MODEL)
        modalities = {
            one.name: ModalitySettings(n_channels=one.n_channels, n_steps=one.n_steps, rate_hz=one.rate_hz)
            for one in SPECS
        }
        settings = StreamSettings(
            modalities=modalities, shared_modality="gravity", registry=RegistrySettings(root=str(root))
        )
        self.stage = ModelStage(settings, self.mailbox, "w", self.log)

    def point_at(self, version: int) -> None:
        self.move("stable", version)

    def comes_to_want(self, version: int) -> None:
        wait_until(lambda: self.mailbox.wanted.version == version, 60, every_s=0.01)

    def goes_on_wanting(self, version: int) -> None:
        time.sleep(3 * LOOK_AGAIN_S)
        assert self.mailbox.wanted.version == version

    def is_built(self) -> None:
        self.mailbox.settle(self.mailbox.wanted)
        version = self.mailbox.in_use.version
        wait_until(lambda: self.stage.watch.version == version, 60, every_s=0.01)


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[Channel]:
    one = Channel(tmp_path)
    for version in range(1, 6):
        one.publish(version)
    one.stage.start()
    yield one
    one.stage.stop()


def test_a_newer_model_is_wanted_before_the_one_before_it_is_built(channel: Channel) -> None:
    channel.point_at(2)
    channel.comes_to_want(2)
    channel.point_at(3)
    channel.comes_to_want(3)
    assert (channel.stage.watch.version, channel.mailbox.in_use) == (0, NO_MODEL)
    channel.is_built()
    assert (channel.stage.watch.swaps, channel.stage.watch.failures) == (1, 0)


def test_where_versions_come_faster_than_they_are_built_every_second_one_is_built(channel: Channel) -> None:
    channel.point_at(1)
    channel.comes_to_want(1)
    for built in (2, 4):
        channel.point_at(built)
        channel.comes_to_want(built)
        channel.point_at(built + 1)
        channel.goes_on_wanting(built)
        channel.is_built()
        channel.comes_to_want(built + 1)
    assert channel.stage.watch.swaps == 2


def test_what_a_worker_begins_with_is_not_passed_over(tmp_path: Path) -> None:
    channel = Channel(tmp_path, has_begun=False)
    for version in (1, 2):
        channel.publish(version)
    channel.point_at(1)
    channel.stage.start()
    channel.stage.wait_for_present(60)
    channel.point_at(2)
    channel.goes_on_wanting(1)
    channel.is_built()
    channel.comes_to_want(2)
    channel.is_built()
    channel.stage.stop()


def test_where_the_channel_goes_back_meanwhile_the_model_in_use_is_all_that_is_wanted(channel: Channel) -> None:
    channel.point_at(1)
    channel.comes_to_want(1)
    channel.is_built()
    channel.point_at(2)
    channel.comes_to_want(2)
    channel.point_at(1)
    channel.comes_to_want(1)
    assert channel.mailbox.wanted is channel.mailbox.in_use
    channel.point_at(3)
    channel.comes_to_want(3)
    channel.is_built()
    assert (channel.stage.watch.swaps, channel.stage.watch.failures) == (2, 0)


def test_one_that_is_swapped_in_as_the_channel_moves_is_in_use_and_then_replaced(tmp_path: Path) -> None:
    channel = Channel(tmp_path)
    channel.publish(1)
    channel.publish(2)
    withdraw, mailbox = channel.mailbox.withdraw, channel.mailbox

    def too_late(model: object) -> bool:
        mailbox.withdraw = withdraw  # type: ignore[method-assign]
        mailbox.settle(mailbox.wanted)
        return withdraw(model)  # type: ignore[arg-type]

    mailbox.withdraw = too_late  # type: ignore[method-assign]
    channel.stage.start()
    channel.point_at(2)
    channel.comes_to_want(2)
    channel.point_at(0)
    channel.comes_to_want(0)
    channel.is_built()
    assert channel.stage.watch.swaps == 2
    channel.stage.stop()


def test_a_build_that_is_wanted_no_more_is_let_go_of() -> None:
    has_begun, may_go_on = threading.Event(), threading.Event()

    def slow(windows: np.ndarray) -> np.ndarray:
        if len(windows) > 1:  # one window only tells how long an embedding is
            has_begun.set()
            assert may_go_on.wait(60)
        return encoder(windows)

    async def work(bench: Bench) -> None:
        await bench.begin(SAMPLES[:60])
        bench.mailbox.put(one := wanted(3, slow))
        await until(has_begun.is_set, bench.stage.tick)
        assert not bench.mailbox.withdraw(one)
        assert bench.work._models._building is not None
        await bench.stage.tick()
        assert bench.work._models._building is None
        may_go_on.set()
        bench.mailbox.put(wanted(4, encoder))
        await until(lambda: bench.mailbox.in_use.version == 4, bench.stage.tick)
        await bench.stage.bind([bench.event(0, SAMPLES[60:62])])

    bench = run(work)
    assert {one.model_version for one in bench.writes.bindings if not one.round} == {4}
    assert bench.shown("mmbind_generation_swaps_total") == 1
