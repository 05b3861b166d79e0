"""The bind stage without Faust and without a broker: what it needs of both is handed in."""

import asyncio
import itertools
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from streams.messages.codec import decode_many, encode_batch
from streams.messages.outbox import OutMessage
from streams.records import Binding, Sample
from streams.testing import SyntheticWorld
from streams.worker.bind_stage import BindStage
from streams.worker.delivery import Delivery
from streams.worker.mailbox import Mailbox, WantedModel
from streams.worker.metrics import StreamMetrics

WORLD = SyntheticWorld(n_sources=6, n_classes=3)
SAMPLES = list(WORLD.samples(40))
SETTINGS = WORLD.settings(topics={"pair_partitions": 1})


def encoder(windows: np.ndarray) -> np.ndarray:
    return np.full((len(windows), 4), 0.5, np.float32)


def broken(windows: np.ndarray) -> np.ndarray:
    return np.full((len(windows), 4), np.nan, np.float32)


@dataclass
class Event:
    """A message as Faust hands it on; `acked` gathers the offsets in the order in which they were acknowledged."""

    message: Any
    acked: list[int]

    def ack(self) -> None:
        self.acked.append(self.message.offset)


@dataclass
class Writes:
    """Takes what is delivered; whatever `meanwhile` does happens before the broker has it."""

    bindings: list[Binding] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    async def deliver(self, messages: Iterable[OutMessage]) -> int:
        self.meanwhile()
        for one in messages:
            self.bindings += decode_many(one.value, Binding)
        return 0


class Bench:
    """A stage with all that it is given."""

    def __init__(self) -> None:
        self.app = cast(Any, SimpleNamespace(consumer_generation_id=1))
        self.writes, self.mailbox, self.registry = Writes(), Mailbox(), CollectorRegistry()
        self.acked: list[int] = []
        clock = map(float, itertools.count())
        self.stage = BindStage(
            self.app,
            SETTINGS,
            cast(Delivery, self.writes),
            StreamMetrics(self.registry),
            "w",
            self.mailbox,
            lambda: next(clock),
        )

    def event(self, offset: int, samples: list[Sample], generation: int = 1) -> Event:
        one = SimpleNamespace(
            topic="mmbind.samples",
            partition=0,
            offset=offset,
            key=b"k",
            value=encode_batch(samples),
            headers=None,
            generation_id=generation,
        )
        return Event(one, self.acked)

    def shown(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


def run(work: Callable[[Bench], Awaitable[None]]) -> Bench:
    bench = Bench()
    asyncio.run(work(bench))  # type: ignore[arg-type]
    return bench


async def until(is_so: Callable[[], bool], tick: Callable[[], Awaitable[None]]) -> None:
    for _ in range(2000):
        if is_so():
            return
        await tick()
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to be so")


def test_acknowledges_in_order_what_the_broker_has_and_not_before() -> None:
    async def work(bench: Bench) -> None:
        await bench.stage.begin([])
        bench.writes.meanwhile = lambda: seen.append(list(bench.acked))
        await bench.stage.bind([bench.event(i, SAMPLES[10 * i : 10 * i + 10]) for i in range(3)])

    seen: list[list[int]] = []
    bench = run(work)
    assert seen == [[]]
    assert bench.acked == [0, 1, 2]
    assert [one.sample_id for one in bench.writes.bindings if not one.round] == [one.sample_id for one in SAMPLES[:30]]
    assert bench.shown("mmbind_bind_seconds_count") == 1


def test_an_assignment_that_ended_is_neither_bound_nor_acknowledged() -> None:
    async def work(bench: Bench) -> None:
        await bench.stage.begin([])

        def rebalance() -> None:
            bench.app.consumer_generation_id = 2

        await bench.stage.bind([bench.event(0, SAMPLES[:5], generation=0)])
        bench.writes.meanwhile = rebalance
        await bench.stage.bind([bench.event(1, SAMPLES[5:10])])

    bench = run(work)
    assert [one.sample_id for one in bench.writes.bindings] == [one.sample_id for one in SAMPLES[5:10]]
    assert bench.acked == []


def test_a_wanted_model_is_swapped_in_between_two_micro_batches() -> None:
    async def work(bench: Bench) -> None:
        await bench.stage.begin(SAMPLES[:60])
        bench.mailbox.put(WantedModel(3, {WORLD.shared: encoder}))
        offsets = itertools.count(1)

        async def next_batch() -> None:
            offset = next(offsets)
            await bench.stage.bind([bench.event(offset, SAMPLES[60 + offset : 61 + offset])])

        await until(lambda: bench.mailbox.in_use.version == 3, next_batch)
        await bench.stage.bind([bench.event(999, SAMPLES[-1:])])

    bench = run(work)
    versions = [one.model_version for one in bench.writes.bindings if not one.round]
    assert versions == sorted(versions)
    assert (versions[0], versions[-1]) == (0, 3)
    assert bench.shown("mmbind_generation_info", version="3") == 1
    assert bench.shown("mmbind_rebuild_seconds_count") == 1


def test_a_wanted_model_is_swapped_in_where_no_samples_come() -> None:
    async def work(bench: Bench) -> None:
        await bench.stage.begin(SAMPLES[:60])
        bench.mailbox.put(WantedModel(3, {WORLD.shared: encoder}))
        await until(lambda: bench.mailbox.in_use.version == 3, bench.stage.tick)

    assert run(work).shown("mmbind_generation_info", version="3") == 1


def test_a_model_that_cannot_be_built_is_refused_and_the_stream_goes_on() -> None:
    async def work(bench: Bench) -> None:
        await bench.stage.begin(SAMPLES[:60])
        bench.mailbox.put(bad := WantedModel(4, {WORLD.shared: broken}))
        await until(lambda: bench.mailbox.wanted is not bad, bench.stage.tick)
        with pytest.raises(ValueError, match="unit length"):
            bench.mailbox.wait()
        await bench.stage.bind([bench.event(0, SAMPLES[60:65])])

    bench = run(work)
    assert {one.model_version for one in bench.writes.bindings} == {0}
    assert bench.acked == [0]


def test_a_new_assignment_begins_under_the_wanted_model_or_where_it_is_no_good_under_the_one_before() -> None:
    async def work(bench: Bench) -> None:
        bench.mailbox.put(WantedModel(3, {WORLD.shared: encoder}))
        await bench.stage.begin(SAMPLES[:60])
        await bench.stage.bind([bench.event(0, SAMPLES[60:62])])
        bench.mailbox.put(WantedModel(4, {WORLD.shared: broken}))
        await bench.stage.begin(SAMPLES[:62])
        await bench.stage.bind([bench.event(1, SAMPLES[62:64])])

    bench = run(work)
    assert {one.model_version for one in bench.writes.bindings} == {3}
    assert bench.mailbox.wanted.version == bench.mailbox.in_use.version == 3


def test_a_build_for_an_assignment_that_ended_is_let_go() -> None:
    may_build = threading.Event()

    def slow(windows: np.ndarray) -> np.ndarray:
        if len(windows) > 1:  # one window only tells how long an embedding is
            may_build.wait(10)
        return encoder(windows)

    async def work(bench: Bench) -> None:
        await bench.stage.begin(SAMPLES[:60])
        bench.mailbox.put(WantedModel(3, {WORLD.shared: slow}))
        await bench.stage.tick()
        bench.mailbox.put(WantedModel(4, {WORLD.shared: encoder}))
        await bench.stage.drain()
        await bench.stage.begin(SAMPLES[:64])
        assert bench.mailbox.in_use.version == 4
        may_build.set()

    assert run(work).shown("mmbind_generation_info", version="4") == 1
