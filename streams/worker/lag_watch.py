"""How far a worker lags behind each partition, and whether it stands still."""

import asyncio
import time
from collections.abc import Mapping

import faust

from streams.intake.acknowledgement import TopicPartition
from streams.worker.faust_app import fetched
from streams.worker.ingest_stage import IngestStage
from streams.worker.metrics import StreamMetrics
from streams.worker.stall import StallWatch

LOOK_EVERY_S = 2.0


class LagWatch:
    """Looks every few seconds, on its own: a micro-batch that never ends must not hide that there is a stall.

    Args:
        app: Knows what was committed.
        samples: The topic of samples.
        ingest: Knows which windows were taken up.
        metrics: Are told the lags.
        stall_s: So long nothing may be done while there is something to do.
    """

    def __init__(
        self, app: faust.App, samples: str, ingest: IngestStage, metrics: StreamMetrics, stall_s: float
    ) -> None:
        self._app, self._samples, self._ingest, self._metrics = app, samples, ingest, metrics
        self._stall_s = stall_s
        self._stalls: dict[str, StallWatch] = {}
        self._starts: Mapping[int, int] = {}
        self.complaints: list[str] = []

    def begin(self, starts: Mapping[int, int]) -> None:
        """Partitions were given: of those of samples, where binding begins."""
        self._starts = starts
        self._stalls.clear()

    async def run(self) -> None:
        """Looks for as long as the app runs."""
        known: set[TopicPartition] = set()
        while not self._app.should_stop:
            await asyncio.sleep(LOOK_EVERY_S)
            present = self._lags()
            for topic, partition in known - present.keys():
                self._metrics.lag.remove(topic, str(partition))
            for (topic, partition), lag in present.items():
                self._metrics.lag.labels(topic, str(partition)).set(lag)
            known = set(present)
            self.complaints = self._stalls_of(present)

    def _stalls_of(self, lags: Mapping[TopicPartition, int]) -> list[str]:
        """Why work on windows, or on samples, stands still."""
        committed = self._app.monitor.tp_committed_offsets
        n_bound = sum(at for tp, at in committed.items() if tp.topic == self._samples)
        reasons = []
        for name, is_samples, n_done in (("windows", False, self._ingest.n_taken), ("samples", True, n_bound)):
            lag = sum(n for (topic, _), n in lags.items() if (topic == self._samples) == is_samples)
            watch = self._stalls.setdefault(name, StallWatch(self._stall_s))
            reason = watch.reason(time.monotonic(), lag, n_done)
            reasons += [f"{name}: {reason}"] if reason else []
        return reasons

    def _lags(self) -> dict[TopicPartition, int]:
        """Messages that lie before the end of a partition, and were not taken up; samples: not bound and committed."""
        committed = self._app.monitor.tp_committed_offsets
        lags = self._ingest.lags()
        for tp in self._app.consumer.assignment():
            at = fetched(self._app, (tp.topic, tp.partition))
            if tp.topic == self._samples and at is not None:
                lags[tp.topic, tp.partition] = max(0, at.end - committed.get(tp, self._starts.get(tp.partition, 0)))
        return lags
