"""The bind stage: samples in, Bindings out, and the wanted model swapped in between two micro-batches."""

import asyncio
import logging
from collections.abc import Callable, Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import faust

from streams.binding import BoundMessages, MessageBinder
from streams.messages.message import Message
from streams.messages.outbox import Outbox
from streams.records import Sample
from streams.service.crash_notes import CrashNotes
from streams.settings import StreamSettings
from streams.stopwatch import Stopwatch
from streams.worker.delivery import Delivery, Event, as_message, is_current
from streams.worker.history_watch import HistoryWatch
from streams.worker.mailbox import Mailbox
from streams.worker.metrics import StreamMetrics
from streams.worker.model_build import ModelBuild
from streams.worker.read_back import Placed, ReadBack, in_order

log = logging.getLogger(__name__)

T = TypeVar("T")


class BindStage:
    """Owns the binder of the present assignment and the thread in which it works, one thing at a time.

    Steps of one micro-batch, under one lock:
    1. look into the mailbox: begin to build the generation that is wanted, swap in the one that is built;
    2. decode and bind, in the thread: the event loop is never held up; what is near an earlier crash, alone;
    3. write Bindings and rejects, and wait until the broker has them, while the next micro-batch is bound;
    4. acknowledge the messages, in their order.
    A generation is built beside this, in a thread of its own.

    Args:
        app: Says which assignment is the present one.
        settings: Of the worker.
        delivery: Takes what is to be written.
        metrics: Are told.
        worker: Its name.
        mailbox: Where the wanted model is.
        clock: Seconds from any beginning, as `time.perf_counter` gives them.
        forgotten: Sources whose samples are refused.
    """

    def __init__(
        self,
        app: faust.App,
        settings: StreamSettings,
        delivery: Delivery,
        metrics: StreamMetrics,
        worker: str,
        mailbox: Mailbox,
        clock: Callable[[], float],
        forgotten: Container[str] = (),
    ) -> None:
        self._forgotten = forgotten
        self._app = app
        self._settings = settings
        self._outbox = Outbox(settings.topics)
        self._crashes = CrashNotes(Path(settings.runtime.data_dir))
        self._delivery = delivery
        self._metrics = metrics
        self._worker = worker
        self._models = ModelBuild(mailbox, metrics, clock)
        self._clock = clock
        self._lock = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "bind")
        self._bound: MessageBinder | None = None
        self._n_assignments = 0
        self._upto: dict[int, int] = {}  # of each partition: what lies before it is in the history
        self._has_followed = False  # since this worker was named last
        self._history_watch = HistoryWatch(metrics)
        self._delivering: asyncio.Task[None] | None = None

    async def begin(self, upto: Mapping[int, int | None], read_back: ReadBack) -> int:
        """Binds the samples of these partitions from now on; gives how many samples were new to the history.

        A history that is there is kept, and takes in what others bound in these partitions. Where there is none, the
        wanted model's generation is built before this returns, so that no Binding falls back behind it.

        Args:
            upto: Of each partition that was given, or is only to be remembered, up to where it was bound; None where
                nothing was.
            read_back: The samples before that.
        """
        async with self._lock:
            await self._delivered()
            known = {p: self._upto.get(p, 0) for p in upto}
            self._upto = {p: max(end or 0, known[p]) for p, end in upto.items()}
            if self._bound is None:
                await self._begin(bound := read_back.bound(dict.fromkeys(upto, 0)))
                return len(bound)
            bound = read_back.bound({p: at for p, at in known.items() if at < (upto[p] or 0)})
            if bound or self._has_followed:
                self._n_assignments += 1
                self._has_followed = False
                kept, name = self._bound, self._name
                await self._in_thread(lambda: kept.remember_more(bound, name))
            return len(bound)

    @property
    def upto(self) -> dict[int, int]:
        """Of each partition that the history holds: what lies before this offset is in it."""
        return dict(self._upto)

    async def follow(self, placed: Sequence[Placed], upto: Mapping[int, int]) -> None:
        """Takes in what another worker has bound up to these offsets, from those on that the history reaches."""
        async with self._lock:
            await self._delivered()
            bound, known = self._bound, self._upto
            if bound is None:
                return
            new = [(m, sample) for m, sample in placed if m.partition in known and m.offset >= known[m.partition]]
            if new:
                await self._in_thread(lambda: bound.remember(in_order(new)))
                self._has_followed = True
            self._upto = {p: max(upto.get(p, 0), at) for p, at in known.items()}

    @property
    def has_history(self) -> bool:
        """Whether there is one that is kept when partitions are given."""
        return self._bound is not None

    async def rebuild(self, read_back: Callable[[Mapping[int, int]], Sequence[Sample]]) -> None:
        """Begins afresh with what is read back, up to these offsets of the partitions; binds nothing until then."""
        async with self._lock:
            await self._delivered()
            if self._bound is not None:
                await self._begin(await asyncio.to_thread(read_back, dict(self._upto)))

    async def _begin(self, bound: Sequence[Sample]) -> None:
        self._n_assignments += 1
        self._models.abandon()
        self._bound = await self._in_thread(lambda: self._remembered(bound))
        self._metrics.set_generation(self._bound.binder.version)

    async def bind(self, events: Sequence[Event]) -> None:
        """Binds the samples of one micro-batch, and returns when the broker has what became of those before it."""
        async with self._lock:
            await self._look()  # 1
            bound = self._bound
            live = [event for event in events if is_current(self._app, event)]
            if bound is None or not live:
                return
            parts = self._crashes.parts(map(as_message, live))
            done = [await self._in_thread(partial(self._accepted, bound, part)) for part in parts]  # 2
            await self._delivered()
            self._delivering = asyncio.create_task(self._deliver(done, live))

    async def _deliver(self, done: Sequence[BoundMessages], live: Sequence[Event]) -> None:
        for one in done:
            written = [*self._outbox.bindings(one.bindings), *self._outbox.rejects(one.rejects)]
            self._count(one, await self._delivery.deliver(written))  # 3
        for event in live:  # 4
            self._upto[event.message.partition] = event.message.offset + 1
            # The acknowledgement of an event whose assignment has ended means nothing: it will come again.
            if is_current(self._app, event):
                event.ack()

    async def _delivered(self) -> None:
        """Returns when the broker has all that was bound; raises what came up there."""
        if self._delivering is not None:
            await asyncio.shield(self._delivering)
            self._delivering = None

    async def tick(self) -> None:
        """Looks into the mailbox where no samples come, and raises what came up in writing; several times a second."""
        if not self._lock.locked():
            async with self._lock:
                # Not waited for: while the broker is away whoever calls this must go on.
                if self._delivering is not None and self._delivering.done():
                    await self._delivered()
                await self._look()

    async def drain(self) -> None:
        """Waits for the micro-batch under way; no other is taken up after it."""
        async with self._lock:
            await self._delivered()
            self._models.abandon()
            self._bound = None

    async def measure(self) -> None:
        """Brings the figures of history and index up to date; to be called every few seconds."""
        async with self._lock:
            if self._bound is None:
                return
            self._history_watch.show(self._bound.binder)

    def _accepted(self, bound: MessageBinder, messages: Sequence[Message]) -> BoundMessages:
        with self._crashes.noted(messages):
            return bound.accept(messages)

    def _count(self, done: BoundMessages, n_too_long: int) -> None:
        for reason in [*(reject.reason for reject in done.rejects), *(["too-large"] * n_too_long)]:
            self._metrics.rejects.labels(reason).inc()
        self._metrics.duplicates.labels("sample").inc(done.n_repeated)
        self._metrics.observe_seconds(done.seconds)
        self._metrics.observe_bindings(done.bindings)

    async def _look(self) -> None:
        """Begins a build of the model that is wanted, or swaps it in, if there is one and it is not in use."""
        bound = self._bound
        if bound is not None and self._models.is_due:
            await self._in_thread(lambda: self._models.step(bound.binder))

    def _remembered(self, bound: Sequence[Sample]) -> MessageBinder:
        stopwatch = Stopwatch(self._clock)
        binder = MessageBinder(self._settings, self._name, stopwatch, self._forgotten)
        binder.remember(bound)
        self._models.use_at_once(binder.binder)
        return binder

    @property
    def _name(self) -> str:
        """Of this worker with this history, in Bindings."""
        return f"{self._worker}-{self._n_assignments}"

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
