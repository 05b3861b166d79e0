"""Faust around the core: the stages, what happens when partitions are given or taken, and the worker's health."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from streams.forgotten import Forgotten
from streams.messages.outbox import Outbox
from streams.messages.topic_names import TopicNames
from streams.settings import StreamSettings
from streams.worker.bind_process import BindProcess, BindProcessError
from streams.worker.bind_stage import BindStage
from streams.worker.delivery import Delivery
from streams.worker.faust_app import RAW, faust_app, fetched, group_id
from streams.worker.forget_stage import ForgetStage
from streams.worker.guard import Guard
from streams.worker.ingest_stage import IngestStage
from streams.worker.lag_watch import LagWatch
from streams.worker.mailbox import Mailbox
from streams.worker.metrics import StreamMetrics
from streams.worker.model_stage import ModelStage
from streams.worker.past import Past
from streams.worker.standby import STANDS_BY, Standby

log = logging.getLogger(__name__)

TICKS_A_GRACE = 8
LONGEST_TICK_S = 0.25
MEASURE_EVERY_S = 2.0
DRAIN_S = 5.0


class Shell:
    """A worker: `app` is to be run by Faust's Worker; the law of acknowledging stands at the Guard."""

    def __init__(self, settings: StreamSettings, metrics: StreamMetrics, is_embedded: bool) -> None:
        self._settings = settings
        self._names = TopicNames(settings.topics.prefix)
        self._metrics = metrics
        self.worker = f"{socket.gethostname()}-{os.getpid()}"
        self.app = faust_app(settings, is_embedded, group_id(settings))
        self.guard = Guard(self.app)
        self._delivery = Delivery(self.app, Outbox(settings.topics))
        mailbox = Mailbox()
        self._forget = ForgetStage(Forgotten(settings.broker, self._names.forgotten))
        self._ingest = IngestStage(
            self.app, settings, self._delivery, metrics, time.time_ns, partial(fetched, self.app), self._forget
        )
        self._process = BindProcess(settings)
        metrics.watch_bind_process(self._process.pid)
        known = self._forget.sources
        self._bind = BindStage(self.app, self._process, self._delivery, metrics, self.worker, mailbox, known)
        self._past = Past(settings, self._forget)
        self._standby = Standby(settings, self._bind, self._past.samples_of)
        self._stands_by = False
        self.models = ModelStage(settings, mailbox, self.worker)
        metrics.watch_models(self.models.watch)
        self._not_ready = "the broker has not given this worker partitions yet"
        self._unassigned_s = time.monotonic()
        self._lag = LagWatch(self.app, self._names.samples, self._ingest, metrics, settings.runtime.stall_s)
        self._declare()

    def close(self) -> None:
        """Ends what runs beside the app, once that has ended."""
        self.models.stop()
        self._process.close()

    def ready(self) -> list[str]:
        """Why no samples are bound at present; empty while they are."""
        complaints = [self._not_ready] if self._not_ready else []
        if self._delivery.is_blocked:
            complaints.append("the broker does not take messages")
        return complaints + self._lag.complaints + self.models.watch.complaints() + self.guard.healthy()

    def notes(self) -> list[str]:
        """That this worker binds nothing, where that is as it should be."""
        return [STANDS_BY] if self._stands_by else []

    def _declare(self) -> None:
        app = self.app
        windows = [self._names.windows(modality) for modality in self._settings.modalities]
        app.agent(app.topic(*windows, **RAW), name="ingest")(self._ingest_agent)
        app.agent(app.topic(self._names.samples, **RAW), name="bind")(self._bind_agent)
        app.task(self._tick)
        app.task(self._measure)
        app.task(self._lag.run)
        app.task(self._forget_sources)
        app.task(self._follow)
        app.on_partitions_revoked.connect(self._on_revoked)
        app.on_rebalance_complete.connect(self._on_rebalance_complete)
        app.on_before_shutdown.connect(self._on_before_shutdown)

    async def _ingest_agent(self, stream: Any) -> None:
        self._ingest.watch(stream.channel.queue.qsize)
        await self.guard.run_agent(stream, self._ingest.ingest)

    async def _bind_agent(self, stream: Any) -> None:
        await self.guard.run_agent(stream, self._bind.bind)

    async def _tick(self) -> None:
        interval_s = min(LONGEST_TICK_S, self._settings.ingest.grace_s / TICKS_A_GRACE)
        try:
            while not self.app.should_stop:
                await self._ingest.tick()
                await self._bind.tick()
                await asyncio.sleep(interval_s)
        except Exception as error:
            await self.guard.crash(error)

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        self._not_ready = "partitions are being given out anew"
        self._stands_by = self._standby.is_on = False
        self._metrics.binds.set(0)
        self._unassigned_s = time.monotonic()

    async def _on_rebalance_complete(self, *_: Any, **__: Any) -> None:
        """Brings back what is known of the given partitions; Faust lets no message through before this returns."""
        try:
            start_s = time.monotonic()
            given = sorted((tp.topic, tp.partition) for tp in self.app.consumer.assignment())
            own = [partition for topic, partition in given if topic == self._names.samples]
            n_new = await self._begin(given, own, self._standby.remembered(own))
            self._metrics.unassigned_seconds.inc(time.monotonic() - self._unassigned_s)
            windows = {partition for topic, partition in given if topic != self._names.samples}
            self._log_given(len(windows), len(own), n_new, time.monotonic() - start_s)
            self._metrics.binds.set(bool(own))
            self._stands_by = not own
            self._not_ready = "" if given else "there are more workers than partitions, and this one has none"
        except Exception as error:
            await self.guard.crash(error)

    async def _begin(self, given: Sequence[tuple[str, int]], own: Sequence[int], remembered: Sequence[int]) -> int:
        """Both stages begin with the given partitions; how many samples were new to the history."""
        # Not as a task of the app: Faust starts those only after the first partitions were given.
        self.models.start()
        samples = self._names.samples
        offsets = await asyncio.to_thread(self._past.offsets, given, [(samples, p) for p in remembered])
        upto = {p: offsets[samples, p].committed for p in remembered if (samples, p) in offsets}
        await asyncio.to_thread(self.models.wait_for_present)
        history = await asyncio.to_thread(self._past.history, upto, not self._bind.has_history)
        self._lag.begin({p: offsets[samples, p].start for p in own})
        await self._ingest.begin(history.recent, {one: offsets[one].start for one in given if one[0] != samples})
        n_new = await self._bind.begin(upto, history)
        self._standby.is_on = bool(upto) and not own
        return n_new

    def _log_given(self, n_windows: int, n_own: int, n_new: int, seconds: float) -> None:
        topics = self._settings.topics
        log.info(
            "given %d of %d partitions of windows, %d of %d of samples; %d samples of history read back in %.1f s",
            *(n_windows, topics.partitions, n_own, topics.sample_partitions, n_new, seconds),
        )
        if not n_own:
            log.info(STANDS_BY)

    async def _forget_sources(self) -> None:
        rebuild = partial(self._bind.rebuild, self._past.bound)
        await self.guard.guarded(self._forget.watch(rebuild, self._ingest.erase))

    async def _follow(self) -> None:
        await self.guard.guarded(self._standby.run())

    async def _on_before_shutdown(self, *_: Any, **__: Any) -> None:
        """Lets the micro-batches under way come to their end, so that they are committed rather than repeated."""
        self._not_ready = "the worker stops"
        try:
            await asyncio.wait_for(asyncio.gather(self._ingest.drain(), self._bind.drain()), DRAIN_S)
        except TimeoutError:
            log.warning("stopping although the broker has not taken everything: it will be repeated")
        except BindProcessError as error:
            log.warning("%s: what was not committed will be repeated", error)

    async def _measure(self) -> None:
        while not self.app.should_stop:
            await asyncio.sleep(MEASURE_EVERY_S)
            await self.guard.guarded(self._bind.measure())
