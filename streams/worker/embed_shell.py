"""Faust around the embed stage: `app` is to be run by Faust's Worker; the law of acknowledging stands at the Guard."""

import asyncio
import logging
from typing import Any

from streams.follower import ModelFollower
from streams.forgotten import Forgotten
from streams.messages.outbox import Outbox
from streams.messages.topic_names import TopicNames
from streams.settings import StreamSettings
from streams.worker.delivery import Delivery
from streams.worker.embed_metrics import EmbedMetrics
from streams.worker.embed_stage import EmbedStage
from streams.worker.faust_app import RAW, embedder_group_id, faust_app, fetched
from streams.worker.forget_stage import ForgetStage
from streams.worker.guard import Guard

log = logging.getLogger(__name__)

DRAIN_S = 5.0
LOOK_EVERY_S = 2.0


class EmbedShell:
    """An embedder: samples in, embeddings out, by the version that `follower` serves."""

    def __init__(
        self, settings: StreamSettings, metrics: EmbedMetrics, is_embedded: bool, follower: ModelFollower
    ) -> None:
        names = TopicNames(settings.topics.prefix)
        self._metrics, self._follower = metrics, follower
        self.app = faust_app(settings, is_embedded, embedder_group_id(settings))
        self.guard = Guard(self.app)
        self._delivery = Delivery(self.app, Outbox(settings.topics))
        self._forget = ForgetStage(Forgotten(settings.broker, names.forgotten))
        self._stage = EmbedStage(self.app, settings, self._delivery, metrics, follower, self._forget)
        self._samples = names.samples
        self._not_ready = "the broker has not given this embedder partitions yet"
        self._stands_by = False
        self.app.agent(self.app.topic(names.samples, **RAW), name="embed")(self._embed_agent)
        self.app.task(self._forget_sources)
        self.app.task(self._measure)
        self.app.on_partitions_revoked.connect(self._on_revoked)
        self.app.on_rebalance_complete.connect(self._on_rebalance_complete)
        self.app.on_before_shutdown.connect(self._on_before_shutdown)

    def close(self) -> None:
        """Ends what runs beside the app, once that has ended."""
        self._follower.stop()

    def ready(self) -> list[str]:
        """Why no samples are embedded at present; empty while they are."""
        complaints = [self._not_ready] if self._not_ready else []
        if self._delivery.is_blocked:
            complaints.append("the broker does not take messages")
        return complaints + self._follower.watch.complaints() + self.guard.healthy()

    def notes(self) -> list[str]:
        """That this one embeds nothing, where that is as it should be."""
        return ["stands by: others have all partitions of samples"] if self._stands_by else []

    async def _embed_agent(self, stream: Any) -> None:
        await self.guard.run_agent(stream, self._stage.embed)

    async def _forget_sources(self) -> None:
        await self.guard.guarded(self._forget.watch(_nothing_to_rebuild, _nothing_to_erase))

    async def _measure(self) -> None:
        while not self.app.should_stop:
            committed = self.app.monitor.tp_committed_offsets
            places = [(tp, fetched(self.app, (tp.topic, tp.partition))) for tp in self.app.consumer.assignment()]
            lags = [max(0, at.end - committed.get(tp, at.position)) for tp, at in places if at is not None]
            self._metrics.lag.set(sum(lags))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        self._not_ready = "partitions are being given out anew"
        self._stands_by = False

    async def _on_rebalance_complete(self, *_: Any, **__: Any) -> None:
        """Faust lets no message through before this returns: nothing of a forgotten source is embedded."""
        await self.guard.guarded(asyncio.to_thread(self._forget.look_patiently))
        self._stands_by = not any(tp.topic == self._samples for tp in self.app.consumer.assignment())
        self._not_ready = ""

    async def _on_before_shutdown(self, *_: Any, **__: Any) -> None:
        self._not_ready = "the embedder stops"
        try:
            await asyncio.wait_for(self._stage.drain(), DRAIN_S)
        except TimeoutError:
            log.warning("stopping although the broker has not taken everything: it will be repeated")


async def _nothing_to_rebuild() -> None:
    """No history is kept here."""


async def _nothing_to_erase(sources: frozenset[str]) -> None:
    """Workers take back what they told."""
