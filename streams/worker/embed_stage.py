"""The embed stage: samples in, their embeddings out, acknowledged once the broker has them."""

import asyncio
from collections.abc import Container, Sequence
from typing import Protocol

import faust

from streams.messages.checked import check_not_forgotten, checked_sample
from streams.messages.message import Message
from streams.messages.outbox import Outbox
from streams.records import Sample, SampleEmbedding
from streams.settings import StreamSettings
from streams.worker.delivery import Delivery, Event, as_message, is_current
from streams.worker.embed_metrics import EmbedMetrics


class EmbedsSamples(Protocol):
    """A ModelFollower."""

    def embed_samples(self, samples: Sequence[Sample]) -> list[SampleEmbedding]:
        """The embeddings of those that the present version knows."""


class EmbedStage:
    """Embeds a micro-batch at a time, writes, waits until the broker has it, and acknowledges in order.

    A crash between writing and acknowledging repeats embeddings, of the same samples, maybe by a newer version. What is
    no usable sample was refused where it was bound, and is only counted here.

    Args:
        app: Says which assignment is the present one.
        settings: Of the service.
        delivery: Takes what is to be written.
        metrics: Are told.
        follower: Embeds; has a version already.
        forgotten: Sources that are not embedded.
    """

    def __init__(
        self,
        app: faust.App,
        settings: StreamSettings,
        delivery: Delivery,
        metrics: EmbedMetrics,
        follower: EmbedsSamples,
        forgotten: Container[str],
    ) -> None:
        self._app, self._delivery, self._metrics = app, delivery, metrics
        self._follower, self._forgotten = follower, forgotten
        self._specs = settings.specs
        self._outbox = Outbox(settings.topics)
        self._lock = asyncio.Lock()
        self._stops = False

    async def embed(self, events: Sequence[Event]) -> None:
        """Returns when the broker has the embeddings of all samples of these messages."""
        async with self._lock:
            current = [event for event in events if is_current(self._app, event)]
            if self._stops or not current:
                return
            samples, n_unusable = self._read([as_message(event) for event in current])
            with self._metrics.seconds.time():
                embeddings = await asyncio.to_thread(self._follower.embed_samples, samples)
            await self._delivery.deliver(self._outbox.embeddings(embeddings))
            for event in current:
                # Of an assignment that has ended meanwhile it means nothing: the message will come again.
                if is_current(self._app, event):
                    event.ack()
        self._metrics.samples.labels("embedded").inc(len(embeddings))
        self._metrics.samples.labels("no-encoder").inc(len(samples) - len(embeddings))
        self._metrics.samples.labels("unusable").inc(n_unusable)

    async def drain(self) -> None:
        """Waits for the micro-batch under way; no other is taken up after it."""
        async with self._lock:
            self._stops = True

    def _read(self, messages: Sequence[Message]) -> tuple[list[Sample], int]:
        """The samples that can be embedded, and how many records are none."""
        read = [message.decoded(Sample, self._checked) for message in messages]
        return [sample for samples, _ in read for sample in samples], sum(len(refused) for _, refused in read)

    def _checked(self, sample: Sample) -> Sample:
        check_not_forgotten(sample.source_id, self._forgotten)
        return checked_sample(sample, self._specs)
