"""The ingest stage: windows in, samples and rejects out, acknowledged once the broker has what became of them."""

import asyncio
import logging
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from pathlib import Path

import faust
from faust.types import TP

from streams.intake.acknowledgement import TopicPartition
from streams.intake.messages import Emission, Ingest
from streams.intake.read_marks import Fetched
from streams.intake.scaling_news import ScalingNews
from streams.labels import LABEL
from streams.messages.outbox import Outbox, OutMessage
from streams.records import Sample
from streams.service.crash_notes import CrashNotes
from streams.settings import StreamSettings
from streams.worker.delivery import Delivery, Event, as_message, is_current
from streams.worker.metrics import StreamMetrics

log = logging.getLogger(__name__)


class IngestStage:
    """Owns the Ingest of the present assignment and the events whose windows wait in it.

    Steps of one micro-batch, under one lock:
    1. take up the messages;
    2. write samples, rejects and scalings that are news, and wait until the broker has them;
    3. acknowledge the messages all of whose records are in what was written, in the order of their offsets.
    A crash between 2 and 3 repeats messages; the samples have the same ids then, and scalings are told again.

    Args:
        app: Says which assignment is the present one.
        settings: Of the worker.
        delivery: Takes what is to be written.
        metrics: Are told.
        now_ns: The wall clock.
        fetched: What the broker last said of a partition; None where it has said nothing yet.
        forgotten: Sources whose windows are refused.
    """

    def __init__(
        self,
        app: faust.App,
        settings: StreamSettings,
        delivery: Delivery,
        metrics: StreamMetrics,
        now_ns: Callable[[], int],
        fetched: Callable[[TopicPartition], Fetched | None],
        forgotten: Container[str],
    ) -> None:
        self._forgotten = forgotten
        self._app = app
        self._settings = settings
        self._outbox = Outbox(settings.topics)
        self._scalings = ScalingNews(settings.ingest.scaling_windows)
        self._crashes = CrashNotes(Path(settings.runtime.data_dir))
        self._delivery = delivery
        self._metrics = metrics
        self._now_ns = now_ns
        self._fetched = fetched
        self._lock = asyncio.Lock()
        self._events: dict[tuple[str, int, int], Event] = {}
        self._ingest: Ingest | None = None
        self._given: tuple[TopicPartition, ...] = ()
        self._paused: frozenset[TopicPartition] = frozenset()
        self._n_forced = 0
        self._idle_since_ns: int | None = None
        self._n_queued: Callable[[], int] = lambda: 0

    def watch(self, n_queued: Callable[[], int]) -> None:
        """Names who knows how many events lie there that were not handed to `ingest` yet."""
        self._n_queued = n_queued

    def lags(self) -> dict[TopicPartition, int]:
        """Messages before the end of each partition that was given, and not taken up; also while work stands still."""
        if self._ingest is None:
            return {}
        self._observe(self._ingest, idle_ns=0)
        return {one: self._ingest.marks.lag(one) for one in self._given}

    @property
    def n_taken(self) -> int:
        """A number that grows with the messages taken up."""
        return self._ingest.marks.n_taken if self._ingest else 0

    async def begin(self, recent: Sequence[Sample], starts: Mapping[TopicPartition, int]) -> None:
        """Starts afresh: partitions were given or taken away.

        Args:
            recent: What the log says of the sources.
            starts: The first offset to come, of each partition of windows that was given.
        """
        async with self._lock:
            self._ingest = await asyncio.to_thread(self._recalled, recent, starts)
            self._given = tuple(starts)
            self._paused, self._n_forced = frozenset(), 0
            self._events.clear()
            self._scalings = ScalingNews(self._settings.ingest.scaling_windows)

    async def ingest(self, events: Sequence[Event]) -> None:
        """Takes in the windows of one micro-batch; returns when the broker has the samples that it completed."""
        async with self._lock:
            self._idle_since_ns = None
            if self._ingest is None:
                return
            emissions = []
            for event in events:
                if is_current(self._app, event):
                    message = self._crashes.judged(as_message(event))
                    self._events[message.place] = event
                    with self._crashes.noted([message]):
                        emissions.append(self._ingest.accept(message, self._now_ns()))
            self._metrics.messages.inc(len(emissions))
            await self._settle(self._ingest, Emission.joined(emissions))

    async def tick(self) -> None:
        """Lets the grace of waiting windows run out."""
        async with self._lock:
            if self._ingest is not None:
                now_ns = self._now_ns()
                if self._n_queued() or self._idle_since_ns is None:
                    self._idle_since_ns = now_ns
                self._observe(self._ingest, now_ns - self._idle_since_ns)
                await self._settle(self._ingest, self._ingest.tick(now_ns))
                self._pause(self._ingest.paused)

    async def erase(self, sources: Iterable[str]) -> None:
        """Takes back what `scalings` says of these sources, after all that was taken in of them before."""
        async with self._lock:
            messages: list[OutMessage] = []
            for source_id in sources:
                self._scalings.forget(source_id)
                messages += self._outbox.forgotten_scalings(source_id, self._settings.modalities)
            await self._delivery.deliver(messages)

    async def drain(self) -> None:
        """Waits for the micro-batch under way; no other is taken up after it."""
        async with self._lock:
            self._ingest = None

    def _observe(self, ingest: Ingest, idle_ns: int) -> None:
        for one in self._given:
            if (fetched := self._fetched(one)) is not None:
                ingest.marks.observe(one, fetched, idle_ns)

    def _pause(self, paused: frozenset[TopicPartition]) -> None:
        """Tells the consumer what is new of it; a rebalance resumes all."""
        consumer = self._app.consumer
        consumer.pause_partitions({TP(*one) for one in paused - self._paused})
        consumer.resume_partitions({TP(*one) for one in self._paused - paused})
        self._paused = paused

    def _recalled(self, recent: Iterable[Sample], starts: Mapping[TopicPartition, int]) -> Ingest:
        ingest = Ingest(self._settings, starts, self._forgotten)
        for sample in recent:
            ingest.recall(sample)
        return ingest

    async def _settle(self, ingest: Ingest, emission: Emission) -> None:
        if emission.samples or emission.rejects:
            messages = [*self._outbox.samples(emission.samples), *self._outbox.rejects(emission.rejects)]
            known = (sample for sample in emission.samples if sample.source_id not in self._forgotten)
            messages += self._outbox.scalings(self._scalings.of(known))
            n_too_long = await self._delivery.deliver(messages)
            self._metrics.rejects.labels("too-large").inc(n_too_long)
        for (topic, partition), offsets in ingest.resolved(emission).items():
            for offset in offsets:
                event = self._events.pop((topic, partition, offset))
                # The acknowledgement of an event whose assignment has ended means nothing: it will come again.
                if is_current(self._app, event):
                    event.ack()
        self._count(ingest, emission)

    def _count(self, ingest: Ingest, emission: Emission) -> None:
        metrics = self._metrics
        for sample in emission.samples:
            for modality in sample.windows.keys() - {LABEL}:
                metrics.windows.labels(modality).inc()
        metrics.samples.inc(len(emission.samples))
        metrics.late.inc(sum(sample.late for sample in emission.samples))
        for reject in emission.rejects:
            metrics.rejects.labels(reject.reason).inc()
        metrics.duplicates.labels("window").inc(emission.n_repeated)
        metrics.split_sources.inc(emission.n_strayed)
        for doubt in emission.doubts:
            log.warning("node %s: %s", doubt.source_id, doubt.text)
            metrics.doubtful.labels(doubt.kind).inc()
        metrics.waiting.set(ingest.n_waiting)
        metrics.paused.set(len(self._paused))
        if ingest.n_forced > self._n_forced:
            metrics.forced.inc(ingest.n_forced - self._n_forced)
        self._n_forced = ingest.n_forced
