"""The bind stage: samples in, Bindings out, and the swap of generations between two micro-batches."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import faust
import numpy as np

from streams.arrival.row_vectors import EncoderFunction
from streams.binder import Binder
from streams.messages.codec import decode_sample, split
from streams.messages.message import Message
from streams.messages.outbox import Outbox
from streams.messages.rejects import InvalidRecord, Reject, reject_headers, rejects_max_bytes
from streams.records import Binding, Sample
from streams.settings import StreamSettings
from streams.stopwatch import Stopwatch
from streams.worker.delivery import Delivery, is_current
from streams.worker.ingest_stage import in_message
from streams.worker.metrics import StreamMetrics

log = logging.getLogger(__name__)

T = TypeVar("T")
Encoders = Mapping[str, EncoderFunction]


class BindStage:
    """Owns the Binder of the present assignment and the thread in which it works, one thing at a time.

    Steps of one micro-batch, under one lock:
    1. decode and bind, in the thread: the event loop is never held up;
    2. write Bindings and rejects, and wait until the broker has them;
    3. acknowledge the messages, in their order.
    A generation is built beside this, in the caller's thread, and swapped in between two micro-batches.
    """

    def __init__(
        self, app: faust.App, settings: StreamSettings, delivery: Delivery, metrics: StreamMetrics, worker: str
    ) -> None:
        self._app = app
        self._settings = settings
        self._outbox = Outbox(settings.topics)
        self._delivery = delivery
        self._metrics = metrics
        self._worker = worker
        self._lock = asyncio.Lock()
        self._stopwatch = Stopwatch(time.perf_counter)
        self._thread = ThreadPoolExecutor(1, "bind")
        self._binder: Binder | None = None
        self._n_assignments = 0
        self._withheld = False
        self._model: tuple[int, Encoders] = (0, {})

    async def begin(self, bound: Sequence[Sample]) -> None:
        """Starts afresh with the history from the log, under the newest model there is: partitions were given or taken.

        The model's generation is built before this returns, so that no Binding falls back behind it.
        """
        async with self._lock:
            self._n_assignments += 1
            self._binder = await self._in_thread(lambda: self._remembered(bound))
            self._metrics.set_generation(self._binder.version)

    async def take(self, events: Sequence[Any]) -> None:
        """One micro-batch."""
        async with self._lock:
            binder = self._binder
            live = [event for event in events if is_current(self._app, event)]
            if binder is None or not live:
                return
            messages = [in_message(event) for event in live]
            bindings, rejects = await self._in_thread(lambda: self._bind(binder, messages))
            n_too_long = await self._delivery.deliver(
                [*self._outbox.bindings(bindings), *self._outbox.rejects(rejects)]
            )
            for event in live:
                # The acknowledgement of an event whose assignment has ended means nothing: it will come again.
                if is_current(self._app, event):
                    event.ack()
            for reason in [*(reject.reason for reject in rejects), *(["too-large"] * n_too_long)]:
                self._metrics.rejects.labels(reason).inc()
            self._metrics.observe_bindings(bindings)

    async def drain(self) -> None:
        """Waits for the micro-batch under way; no other is taken up after it."""
        async with self._lock:
            self._binder = None

    async def measure(self) -> None:
        """Brings the figures of history and index up to date; to be called every few seconds."""
        async with self._lock:
            if self._binder is None:
                return
            index, store, metrics = self._binder.generation.index, self._binder.store, self._metrics
            metrics.vectors.set(index.n_vectors)
            metrics.segments.set(index.n_segments)
            metrics.bytes.set(index.n_bytes + store.n_bytes)
            if index.recall_trials:
                metrics.recall.set(index.recall_hits / index.recall_trials)
            use = np.sort(store.use(np.arange(store.first_row, store.n_rows)))
            if use.sum() > 0:
                metrics.hub_share.set(use[-max(1, len(use) // 100) :].sum() / use.sum())
            metrics.set_precision(self._binder.estimate, self._binder.control)
            self._say_what_is_withheld(self._binder.withholds)

    def _say_what_is_withheld(self, withholds: bool) -> None:
        if withholds and not self._withheld:
            log.warning("pairs are withheld: the shared modality finds partners that agree no more than random ones do")
        if self._withheld and not withholds:
            log.info("pairs go out again: partners agree more than random ones do")
        self._withheld = withholds

    async def take_up(self, version: int, encoders: Encoders) -> None:
        """Returns when samples are bound by this version; until then they are bound by the one before.

        Raises:
            ValueError: If an encoder does not give finite rows for its modality's windows.
        """
        await asyncio.to_thread(self._try_out, encoders)
        before = self._model
        # From here on a new assignment takes it up too.
        self._model = (version, encoders)
        try:
            while not await self._swapped(version, encoders):
                log.info("building version %d again: partitions were given or taken meanwhile", version)
        except BaseException:
            self._model = before
            raise

    async def _swapped(self, version: int, encoders: Encoders) -> bool:
        """Builds and swaps in; False if the binder was replaced meanwhile."""
        start_s = time.monotonic()
        async with self._lock:
            binder = self._binder
            if binder is None or binder.version == version:
                return True
            build = await self._in_thread(lambda: binder.begin_build(version, encoders))
        try:
            await asyncio.to_thread(build.run)
        except BaseException:
            build.abandon()
            raise
        async with self._lock:
            if binder is not self._binder:
                return False
            await self._in_thread(lambda: binder.swap(build))
            self._metrics.rebuild_seconds.observe(time.monotonic() - start_s)
            self._metrics.set_generation(version)
            return True

    def _try_out(self, encoders: Encoders) -> None:
        for name, encode in encoders.items():
            spec = self._settings.specs[name]
            rows = encode(np.zeros((1, spec.n_steps, spec.n_channels), np.float32))
            if rows.ndim != 2 or len(rows) != 1 or not np.isfinite(rows).all():
                raise ValueError(f"the encoder of {name} gives {rows!r} for a window of zeros, wanted one finite row")

    def _remembered(self, bound: Sequence[Sample]) -> Binder:
        settings = self._settings
        binder = Binder(settings, f"{self._worker}-{self._n_assignments}", self._stopwatch)
        binder.remember(bound)
        self._stopwatch.taken()
        version, encoders = self._model
        if version:
            binder.use(version, encoders)
        return binder

    def _bind(self, binder: Binder, messages: Sequence[Message]) -> tuple[list[Binding], list[Reject]]:
        samples: list[Sample] = []
        rejects: list[Reject] = []
        for message in messages:
            for index, raw in enumerate(self._records(message, rejects)):
                try:
                    samples.append(self._checked(decode_sample(raw)))
                except InvalidRecord as refusal:
                    rejects.append(self._reject(message, index, raw, refusal))
        start_s = time.perf_counter()
        bindings = binder.observe(samples)
        self._metrics.observe_seconds(time.perf_counter() - start_s, self._stopwatch.taken())
        self._metrics.duplicates.labels("sample").inc(len(samples) - sum(not one.round for one in bindings))
        return bindings, rejects

    def _checked(self, sample: Sample) -> Sample:
        # Ingest writes nothing else; but anybody may write to a topic, and one bad sample must not stop a worker.
        for name, values in sample.windows.items():
            spec = self._settings.specs.get(name)
            if spec is None:
                raise InvalidRecord("unknown-modality", "windows", name, ", ".join(self._settings.specs))
            if values.shape != (spec.n_steps, spec.n_channels) or name not in sample.scaling:
                raise InvalidRecord("shape", f"windows.{name}", values.shape, f"[{spec.n_steps}, {spec.n_channels}]")
            if not np.isfinite(values).all():
                raise InvalidRecord("not-finite", f"windows.{name}")
        return sample

    def _records(self, message: Message, rejects: list[Reject]) -> list[bytes]:
        try:
            return split(message.value, message.content_type)
        except InvalidRecord as refusal:
            rejects.append(self._reject(message, 0, message.value or b"", refusal))
            return []

    def _reject(self, message: Message, index: int, raw: bytes, refusal: InvalidRecord) -> Reject:
        headers = reject_headers(*message.place, index, refusal.reason, refusal.field, refusal.detail)
        return Reject(message.key, raw, headers, refusal.reason).fitted(rejects_max_bytes(self._settings.topics))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
