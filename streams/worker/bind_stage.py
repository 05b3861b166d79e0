"""The bind stage: samples in, Bindings out, and the wanted model swapped in between two micro-batches."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import faust

from streams.records import Sample
from streams.worker.bind_work import Answered, BindWork
from streams.worker.delivery import Delivery, Event, as_message, is_current
from streams.worker.history_watch import HistoryWatch
from streams.worker.mailbox import Mailbox, WantedModel
from streams.worker.metrics import StreamMetrics
from streams.worker.read_back import Placed, ReadBack, in_order

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class Host(Protocol):
    """Where the BindWork is."""

    async def do(self, method: Callable[Concatenate[BindWork, P], T], *args: P.args, **options: P.kwargs) -> T:
        """What that method gives or raises there; one after the other."""


class BindStage:
    """Says what the BindWork is to do for the present assignment, one thing at a time.

    Steps of one micro-batch, under one lock:
    1. look into the mailbox: begin to build the generation that is wanted, swap in the one that is built;
    2. decode and bind, elsewhere: the event loop is never held up;
    3. write Bindings and rejects, and wait until the broker has them, while the next micro-batch is bound;
    4. acknowledge the messages, in their order.

    Args:
        app: Says which assignment is the present one.
        host: Where the BindWork is.
        delivery: Takes what is to be written.
        metrics: Are told.
        worker: Its name.
        mailbox: Where the wanted model is.
        forgotten: The sources whose samples are refused; the same object while they are the same.
    """

    def __init__(
        self,
        app: faust.App,
        host: Host,
        delivery: Delivery,
        metrics: StreamMetrics,
        worker: str,
        mailbox: Mailbox,
        forgotten: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self._forgotten = forgotten
        self._app = app
        self._do = host.do
        self._delivery = delivery
        self._metrics = metrics
        self._worker = worker
        self._mailbox = mailbox
        self._lock = asyncio.Lock()
        self._has_begun = False
        self._building: WantedModel | None = None
        self._refused: frozenset[str] = frozenset()  # sources, as the BindWork knows
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
            if not self._has_begun:
                await self._begin(bound := read_back.bound(dict.fromkeys(upto, 0)))
                return len(bound)
            bound = read_back.bound({p: at for p, at in known.items() if at < (upto[p] or 0)})
            if bound or self._has_followed:
                self._n_assignments += 1
                self._has_followed = False
                await self._do(BindWork.remember_more, bound, self._name)
            return len(bound)

    @property
    def upto(self) -> dict[int, int]:
        """Of each partition that the history holds: what lies before this offset is in it."""
        return dict(self._upto)

    async def follow(self, placed: Sequence[Placed], upto: Mapping[int, int]) -> None:
        """Takes in what another worker has bound up to these offsets, from those on that the history reaches."""
        async with self._lock:
            await self._delivered()
            known = self._upto
            if not self._has_begun:
                return
            new = [(m, sample) for m, sample in placed if m.partition in known and m.offset >= known[m.partition]]
            if new:
                await self._do(BindWork.remember, in_order(new))
                self._has_followed = True
            self._upto = {p: max(upto.get(p, 0), at) for p, at in known.items()}

    @property
    def has_history(self) -> bool:
        """Whether there is one that is kept when partitions are given."""
        return self._has_begun

    async def rebuild(self, read_back: Callable[[Mapping[int, int]], Sequence[Sample]]) -> None:
        """Begins afresh with what is read back, up to these offsets of the partitions; binds nothing until then."""
        async with self._lock:
            await self._delivered()
            if self._has_begun:
                await self._begin(await asyncio.to_thread(read_back, dict(self._upto)))

    async def _begin(self, bound: Sequence[Sample]) -> None:
        self._n_assignments += 1
        wanted, before = self._mailbox.wanted, self._mailbox.in_use
        begun = await self._do(BindWork.begin, bound, self._name, wanted, before)
        if begun.refusal is not None:
            self._mailbox.refuse(wanted, begun.refusal)
            wanted = before
        self._mailbox.settle(wanted)
        self._metrics.set_generation(begun.version)
        self._has_begun, self._building = True, None

    async def bind(self, events: Sequence[Event]) -> None:
        """Binds the samples of one micro-batch, and returns when the broker has what became of those before it."""
        async with self._lock:
            await self._look()  # 1
            live = [event for event in events if is_current(self._app, event)]
            if not self._has_begun or not live:
                return
            if (sources := self._forgotten()) is not self._refused:
                await self._do(BindWork.forget, sources)
                self._refused = sources
            answers = await self._do(BindWork.accept, [as_message(event) for event in live])  # 2
            await self._delivered()
            self._delivering = asyncio.create_task(self._deliver(answers, live))

    async def _deliver(self, answers: Sequence[Answered], live: Sequence[Event]) -> None:
        for one in answers:
            self._metrics.rejects.labels("too-large").inc(await self._delivery.deliver(one.written))  # 3
            self._metrics.observe_bound(one.counts)
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
            await self._do(BindWork.abandon)
            self._has_begun = False

    async def measure(self) -> None:
        """Brings the figures of history and index up to date; to be called every few seconds."""
        async with self._lock:
            if self._has_begun:
                self._history_watch.show(await self._do(BindWork.figures))

    async def _look(self) -> None:
        """Goes on with the build of the model that is wanted, and with no other; with none if it is in use."""
        wanted = self._mailbox.wanted
        if not self._has_begun:
            return
        if wanted is self._mailbox.in_use:
            if self._building is not None:
                await self._do(BindWork.abandon)
                self._building = None
            return
        if wanted is not self._building:
            await self._do(BindWork.want, wanted)
            self._building = wanted
        end = await self._do(BindWork.step)
        if end is None:
            return
        self._building = None
        if end.refusal is not None:
            self._mailbox.refuse(wanted, end.refusal)
            return
        self._metrics.rebuild_seconds.observe(end.seconds)
        self._metrics.set_generation(wanted.version)
        self._mailbox.settle(wanted)

    @property
    def _name(self) -> str:
        """Of this worker with this history, in Bindings."""
        return f"{self._worker}-{self._n_assignments}"
