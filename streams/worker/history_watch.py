"""What a worker shows of its history and index, and says when pairs are withheld."""

import logging
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from streams.binder import Binder
from streams.precision.figures import Control, PrecisionEstimate
from streams.worker.metrics import StreamMetrics

log = logging.getLogger(__name__)


class HistoryFigures(NamedTuple):
    """What there is to show of a binder at one moment; `recall` and `hub_share` are NaN where nothing is known."""

    n_vectors: int
    n_segments: int
    n_bytes: int
    held_bytes: int
    recall: float
    hub_share: float
    estimate: PrecisionEstimate
    control: Control
    withholds: bool
    weights: Mapping[str, float]

    @classmethod
    def of(cls, binder: Binder) -> "HistoryFigures":
        """As they are now."""
        index, store = binder.generation.index, binder.store
        use = np.sort(store.use(np.arange(store.first_row, store.n_rows)))
        return cls(
            index.n_vectors,
            index.n_segments,
            index.n_bytes + store.n_bytes,
            binder.held_bytes,
            index.recall_hits / index.recall_trials if index.recall_trials else math.nan,
            float(use[-max(1, len(use) // 100) :].sum() / use.sum()) if use.sum() > 0 else math.nan,
            binder.estimate,
            binder.control,
            binder.withholds,
            dict(binder.weights),
        )


class HistoryWatch:
    """Is shown the figures of a binder every few seconds.

    Args:
        metrics: Are set.
    """

    def __init__(self, metrics: StreamMetrics) -> None:
        self._metrics = metrics
        self._withheld = False
        self._dropped: set[str] = set()

    def show(self, now: HistoryFigures) -> None:
        """Brings the metrics up to date; one line in the log when withholding begins or ends."""
        metrics = self._metrics
        metrics.vectors.set(now.n_vectors)
        metrics.segments.set(now.n_segments)
        metrics.bytes.set(now.n_bytes)
        metrics.held_bytes.set(now.held_bytes)
        metrics.recall.set(now.recall)
        if not math.isnan(now.hub_share):
            metrics.hub_share.set(now.hub_share)
        metrics.set_precision(now.estimate, now.control)
        self._say_what_is_withheld(now.withholds)
        self._say_what_binds(now.weights)

    def _say_what_binds(self, weights: Mapping[str, float]) -> None:
        for name, weight in weights.items():
            self._metrics.binding_weight.labels(name).set(weight)
        dropped = {name for name, weight in weights.items() if not weight}
        for name in sorted(dropped - self._dropped):
            log.warning("%s binds nobody: partners that it finds agree no more than random ones do", name)
        for name in sorted(self._dropped - dropped):
            log.info("%s binds again: partners that it finds agree more than random ones do", name)
        self._dropped = dropped

    def _say_what_is_withheld(self, withholds: bool) -> None:
        if withholds and not self._withheld:
            log.warning("pairs are withheld: the shared modality finds partners that agree no more than random ones do")
        if self._withheld and not withholds:
            log.info("pairs go out again: partners agree more than random ones do")
        self._withheld = withholds
