"""Which scalings the rest of the world should hear of: those that are new, or have moved. Pure."""

from collections.abc import Iterable, Iterator

import numpy as np

from encoders.scaling import Scaling
from streams.labels import LABEL
from streams.recent import Recent
from streams.records import NodeScaling, Sample

REMEMBERED = 50_000
# Told again where a center moved by so much of its scale, or a scale by so much of itself. Chosen by hand.
MOVED = 0.1
# Told again after so many samples in any case: the topic keeps a record no longer than samples.
AGAIN_AFTER = 1_000


class ScalingNews:
    """Tells the scaling of each source and modality: once it is complete, when it moved, and now and then.

    Begins anew with each assignment of partitions, and then tells all again.

    Args:
        n_fit: Windows that make a scaling complete.
    """

    def __init__(self, n_fit: int) -> None:
        self._n_fit = n_fit
        # What was told last, and how many samples came since.
        self._told: Recent[tuple[str, str], tuple[Scaling, int]] = Recent(REMEMBERED)

    def forget(self, source_id: str) -> None:
        """Whatever comes of the source from now on is news."""
        for key in [key for key in self._told if key[0] == source_id]:
            del self._told[key]

    def of(self, samples: Iterable[Sample]) -> list[NodeScaling]:
        """What is to be told because of these samples: of each source and modality the last word."""
        news = {(one.source_id, one.modality): one for sample in samples for one in self._of(sample)}
        return list(news.values())

    def _of(self, sample: Sample) -> Iterator[NodeScaling]:
        for modality, scaling in sample.scaling.items():
            if modality == LABEL or scaling.n_windows < self._n_fit:
                continue
            key = (sample.source_id, modality)
            told, n_since = self._told.get(key, (None, 0))
            if told is None or n_since >= AGAIN_AFTER or has_moved(told, scaling):
                self._told[key] = scaling, 0
                yield NodeScaling(source_id=sample.source_id, modality=modality, scaling=scaling)
            else:
                self._told[key] = told, n_since + 1
            self._told.move_to_end(key)


def has_moved(told: Scaling, now: Scaling) -> bool:
    """Whether windows that are scaled by the one are noticeably other ones than by the other."""
    if told is now:
        return False
    moved = np.abs(now.center - told.center) > MOVED * told.scale
    return bool(np.any(moved | (np.abs(now.scale - told.scale) > MOVED * told.scale)))
