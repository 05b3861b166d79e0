"""How crowded it is around each row: what the hub correction subtracts. Performs no I/O and reads no clock."""

import numpy as np

from streams.history.segment import NO_SIMILARITY
from streams.similarity.ranks import places_in_groups

# So many nearest of other sources make a row's neighbourhood, as in the paper on CSLS, arXiv 1710.04087.
NEIGHBOURS = 10
# What queries found takes effect on the rows found where a block of so many rows ends: at a counted row, however the
# stream is cut. Chosen by hand.
EFFECT_EVERY_ROWS = 64


class Neighbourhoods:
    """For each row the scores of its nearest, and their mean, in a ring by row number. Scores are above -2.

    A row starts with what its own query found, all of it older; later rows that come near it push the others out.
    """

    def __init__(self, n_rows: int) -> None:
        self._nearest = np.full((n_rows, NEIGHBOURS), NO_SIMILARITY, np.float32)
        self._means = np.full(n_rows, np.nan, np.float32)

    @property
    def n_bytes(self) -> int:
        """Memory of the rings."""
        return self._nearest.nbytes + self._means.nbytes

    def start(self, first: int, scores: np.ndarray) -> None:
        """The neighbourhoods of rows from `first` on, from the scores `[n, k]` of what was found for them."""
        places = np.arange(first, first + len(scores)) % len(self._means)
        self._nearest[places] = NO_SIMILARITY
        n_best = min(NEIGHBOURS, scores.shape[1])
        best = np.partition(scores, scores.shape[1] - n_best, axis=1)[:, scores.shape[1] - n_best :]
        self._nearest[places, :n_best] = np.sort(best, axis=1)[:, ::-1]
        self._means[places] = _means(self._nearest[places])

    def means(self, rows: np.ndarray) -> np.ndarray:
        """The mean score of each row with its nearest; NaN for a row that was near to none, or -1."""
        means: np.ndarray = np.where(rows >= 0, self._means[rows % len(self._means)], np.float32(np.nan))
        return means

    def touch(self, rows: np.ndarray, scores: np.ndarray) -> None:
        """Tells the rows found, `[n]`, each as often as it was found, their scores with the queries."""
        places = rows % len(self._means)
        near = scores > self._nearest[places, -1]
        places, scores = places[near], scores[near]
        if not len(places):
            return
        order = np.lexsort((-scores, places))
        places, scores = places[order], scores[order]
        touched, group, rank = places_in_groups(places)
        new = np.full((len(touched), NEIGHBOURS), NO_SIMILARITY, np.float32)
        kept = rank < NEIGHBOURS
        new[group[kept], rank[kept]] = scores[kept]
        both = np.sort(np.concatenate([self._nearest[touched], new], axis=1), axis=1)[:, ::-1][:, :NEIGHBOURS]
        self._nearest[touched] = both
        self._means[touched] = _means(both)


def _means(nearest: np.ndarray) -> np.ndarray:
    """Means over the real ones of `[n, k]`, NaN where there is none; column by column, so that no n changes a bit."""
    total = np.zeros(len(nearest), np.float32)
    count = np.zeros(len(nearest), np.float32)
    for column in range(nearest.shape[1]):
        real = nearest[:, column] > NO_SIMILARITY
        total += np.where(real, nearest[:, column], 0)
        count += real
    means: np.ndarray = np.divide(total, count, out=np.full(len(nearest), np.nan, np.float32), where=count > 0)
    return means
