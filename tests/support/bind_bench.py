"""A bind stage without Faust and without a broker: what it needs of both is handed in."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import numpy as np
from prometheus_client import CollectorRegistry

from streams.arrival.row_vectors import EncoderFunction
from streams.messages.codec import decode_many, encode_batch
from streams.messages.message import Message
from streams.messages.outbox import OutMessage
from streams.records import Binding, Sample
from streams.testing import SyntheticWorld
from streams.worker.bind_stage import BindStage
from streams.worker.bind_work import BindWork
from streams.worker.delivery import Delivery
from streams.worker.mailbox import Mailbox, WantedModel
from streams.worker.metrics import StreamMetrics
from streams.worker.read_back import ReadBack

P = ParamSpec("P")
T = TypeVar("T")

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


class Thread:
    """Has a BindWork work in a thread, instead of a process: encoders can be functions of a test."""

    def __init__(self, work: BindWork) -> None:
        self._work = work

    async def do(self, method: Callable[Concatenate[BindWork, P], T], *args: P.args, **options: P.kwargs) -> T:
        return await asyncio.to_thread(method, self._work, *args, **options)


def wanted(version: int, encode: EncoderFunction) -> WantedModel:
    """A model whose only encoder is this one."""
    return WantedModel(version, lambda: {WORLD.shared: encode})


class Bench:
    """A stage with all that it is given."""

    def __init__(self) -> None:
        self.app = cast(Any, SimpleNamespace(consumer_generation_id=1))
        self.writes, self.mailbox, self.registry = Writes(), Mailbox(), CollectorRegistry()
        self.acked: list[int] = []
        clock = map(float, itertools.count())
        self.work = BindWork(SETTINGS, lambda: next(clock))
        self.stage = BindStage(
            self.app,
            Thread(self.work),
            cast(Delivery, self.writes),
            StreamMetrics(self.registry),
            "w",
            self.mailbox,
        )

    async def begin(self, bound: Iterable[Sample], committed: int | None = None) -> int:
        """An assignment of partition 0, where these samples lie from its first offset on."""
        placed = [(Message("samples", 0, offset, None, None), one) for offset, one in enumerate(bound)]
        upto = len(placed) if committed is None else committed
        return await self.stage.begin({0: upto or None}, ReadBack([], placed[:upto]))

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
