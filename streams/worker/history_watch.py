"""What a worker shows of its history and index, and says when pairs are withheld."""

import logging
import math
from collections.abc import Mapping

import numpy as np

from streams.binder import Binder
from streams.worker.metrics import StreamMetrics

log = logging.getLogger(__name__)


class HistoryWatch:
    """Looks at a binder every few seconds.

    Args:
        metrics: Are set.
    """

    def __init__(self, metrics: StreamMetrics) -> None:
        self._metrics = metrics
        self._withheld = False
        self._dropped: set[str] = set()

    def show(self, binder: Binder) -> None:
        """Brings the figures up to date; one line in the log when withholding begins or ends."""
        metrics, index, store = self._metrics, binder.generation.index, binder.store
        metrics.vectors.set(index.n_vectors)
        metrics.segments.set(index.n_segments)
        metrics.bytes.set(index.n_bytes + store.n_bytes)
        metrics.recall.set(index.recall_hits / index.recall_trials if index.recall_trials else math.nan)
        use = np.sort(store.use(np.arange(store.first_row, store.n_rows)))
        if use.sum() > 0:
            metrics.hub_share.set(use[-max(1, len(use) // 100) :].sum() / use.sum())
        metrics.set_precision(binder.estimate, binder.control)
        self._say_what_is_withheld(binder.withholds)
        self._say_what_binds(binder.weights)

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
