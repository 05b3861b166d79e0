"""The ingest stage: windows in, samples and rejects out, acknowledged once the broker has what became of them."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import faust

from streams.intake.messages import Emission, Ingest
from streams.labels import LABEL
from streams.messages.outbox import Outbox
from streams.records import Sample
from streams.service.crash_notes import CrashNotes
from streams.settings import StreamSettings
from streams.worker.delivery import Delivery, Event, as_message, is_current
from streams.worker.metrics import StreamMetrics


class IngestStage:
    """Owns the Ingest of the present assignment and the events whose windows wait in it.

    Steps of one micro-batch, under one lock:
    1. take up the messages;
    2. write samples and rejects, and wait until the broker has them;
    3. acknowledge the messages all of whose records are in what was written, in the order of their offsets.
    A crash between 2 and 3 repeats messages; the samples have the same ids then.

    Args:
        app: Says which assignment is the present one.
        settings: Of the worker.
        delivery: Takes what is to be written.
        metrics: Are told.
        now_ns: The wall clock.
    """

    def __init__(
        self,
        app: faust.App,
        settings: StreamSettings,
        delivery: Delivery,
        metrics: StreamMetrics,
        now_ns: Callable[[], int],
    ) -> None:
        self._app = app
        self._settings = settings
        self._outbox = Outbox(settings.topics)
        self._crashes = CrashNotes(Path(settings.runtime.data_dir))
        self._delivery = delivery
        self._metrics = metrics
        self._now_ns = now_ns
        self._lock = asyncio.Lock()
        self._events: dict[tuple[str, int, int], Event] = {}
        self._ingest: Ingest | None = None

    async def begin(self, recent: Sequence[Sample]) -> None:
        """Starts afresh with what the log says of the sources: partitions were given or taken away."""
        async with self._lock:
            self._ingest = await asyncio.to_thread(self._recalled, recent)
            self._events.clear()

    async def ingest(self, events: Sequence[Event]) -> None:
        """Takes in the windows of one micro-batch; returns when the broker has the samples that it completed."""
        async with self._lock:
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
                await self._settle(self._ingest, self._ingest.tick(self._now_ns()))

    async def drain(self) -> None:
        """Waits for the micro-batch under way; no other is taken up after it."""
        async with self._lock:
            self._ingest = None

    def _recalled(self, recent: Iterable[Sample]) -> Ingest:
        ingest = Ingest(self._settings)
        for sample in recent:
            ingest.recall(sample)
        return ingest

    async def _settle(self, ingest: Ingest, emission: Emission) -> None:
        if emission.samples or emission.rejects:
            messages = [*self._outbox.samples(emission.samples), *self._outbox.rejects(emission.rejects)]
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
        metrics.waiting.set(ingest.n_waiting)
