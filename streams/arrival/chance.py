"""How far pairs stand out from random ones, by all that the shared modality says. Performs no I/O, reads no clock."""

from collections.abc import Sequence

import numpy as np

from streams.arrival.lag_shapes import LagShapes
from streams.history.index import SegmentedIndex
from streams.history.segment import NO_SIMILARITY
from streams.similarity.exact_products import ROWS_AT_ONCE, padded

# Random pairs of different sources that are remembered, the last ones. All numbers here were chosen by hand.
REMEMBERED_PAIRS = 2048
# The share of them that are most alike: where they begin and how far they spread are the units.
TAIL_SHARE = 0.2
# Before a pair is known: typical of cosines.
FIRST_START, FIRST_SPREAD = 0.65, 0.1
# Keeps from dividing by 0 where all pairs are alike.
MIN_SPREAD = 1e-3
# Rows that are drawn where a block ends, and others for each of them; later only where every fourth block ends.
DRAWN_ROWS, DRAWN_OTHERS, DRAWN_EVERY = 16, 8, 4
# Draws from a history that is taken over at once: twice as many pairs as are remembered, since some are of one source.
FIRST_DRAWS = 2 * REMEMBERED_PAIRS // (DRAWN_ROWS * DRAWN_OTHERS)


class Chance:
    """How alike random pairs are by one measure, so that measures of any scale, spread and skew can be added up.

    The surprise at a likeness is minus the logarithm of the share of random pairs that are as alike, but for a
    constant: in the tail, which is taken to fall exponentially, the likeness in units of the tail's spread, below it
    nearly 0. Sums of such are Fisher's method of combining tests. With standard deviations as units instead, a measure
    whose tail is long outvotes the others: on the watch recordings, whose motion repeats itself, that cost 4 points of
    pair precision.
    """

    def __init__(self) -> None:
        self.n_pairs = 0
        self._pairs = np.zeros(REMEMBERED_PAIRS, np.float32)
        self._start, self._spread = np.float32(FIRST_START), np.float32(FIRST_SPREAD)

    def remember(self, likeness: np.ndarray) -> None:
        """More random pairs `[n]`; the oldest make room for them."""
        self._pairs[np.arange(self.n_pairs, self.n_pairs + len(likeness)) % REMEMBERED_PAIRS] = likeness
        self.n_pairs += len(likeness)
        known = np.sort(self._pairs[: self.n_pairs])
        if not len(known):
            return
        tail = known[int((1 - TAIL_SHARE) * len(known)) :]
        self._start = tail[0]
        self._spread = np.maximum((tail - tail[0]).mean(), np.float32(MIN_SPREAD))

    def surprise(self, likeness: np.ndarray) -> np.ndarray:
        """How surprising each likeness is, 0 and more, in natural logarithms of odds against chance."""
        above = (likeness - self._start) / self._spread
        surprise: np.ndarray = np.maximum(above, 0) + np.log1p(np.exp(-np.abs(above)))
        return surprise


class ChanceScores:
    """How far pairs of an index's rows stand out from chance, by the index's cosine and their shapes at the best lag.

    Args:
        index: Of the rows.
        n_rows: The length of a ring that holds all rows which may be found.
        shapes: Of the rows too, in such rings.
    """

    def __init__(self, index: SegmentedIndex, n_rows: int, shapes: Sequence[LagShapes] = ()) -> None:
        self._index = index
        self._shapes = shapes
        self._sources = np.full(n_rows, -1, np.int64)
        self._chances = [Chance() for _ in range(1 + len(shapes))]

    @property
    def is_known(self) -> bool:
        """Whether any random pair was seen: until then the units are a guess."""
        return self._chances[0].n_pairs > 0

    @property
    def n_bytes(self) -> int:
        """Memory of the rings, without the index."""
        return self._sources.nbytes + sum(shapes.n_bytes for shapes in self._shapes)

    def write(self, first: int, windows: np.ndarray, sources: np.ndarray) -> None:
        """Puts windows `[n, T, C]` of consecutive rows from `first` on, and their sources, over older ones."""
        self._sources[np.arange(first, first + len(sources)) % len(self._sources)] = sources
        for shapes in self._shapes:
            shapes.write(first, windows)

    def measures(self, first: int, rows: np.ndarray, cosines: np.ndarray) -> list[np.ndarray]:
        """All that is known of pairs of rows from `first` on with `rows` `[n, k]`, the cosines first."""
        queries = np.arange(first, first + len(rows))
        return [cosines, *(shapes.likeness(queries, rows) for shapes in self._shapes)]

    def scores(self, rows: np.ndarray, measures: list[np.ndarray]) -> np.ndarray:
        """The surprises `[n, k]` of at most 64 rows, summed over the measures; divided by the root of their number.

        So it spreads alike over random pairs, however many measures there are. -2 where a row is -1.
        """
        full = [padded(values, ROWS_AT_ONCE) for values in measures]
        total = np.zeros(full[0].shape, np.float32)
        for chance, values in zip(self._chances, full, strict=True):
            total += chance.surprise(values)
        scores = total[: len(rows)] / np.float32(np.sqrt(len(full)))
        return np.where(rows >= 0, scores, NO_SIMILARITY)

    def is_due(self, n_blocks: int) -> bool:
        """Whether random pairs are to be drawn where that many blocks have ended."""
        return self._chances[0].n_pairs < REMEMBERED_PAIRS or n_blocks % DRAWN_EVERY == 0

    def draw(self, oldest: int, end: int, number: int = 0) -> None:
        """Looks at random pairs of the rows from `oldest` up to `end`: the same whenever it is called with these."""
        rng = np.random.default_rng((end, number))
        rows = rng.integers(oldest, end, size=DRAWN_ROWS)
        others = rng.integers(oldest, end, size=(DRAWN_ROWS, DRAWN_OTHERS))
        cosines = self._index.cosines(np.repeat(rows, DRAWN_OTHERS), others.ravel()).reshape(others.shape)
        sources = self._sources[others % len(self._sources)], self._sources[rows % len(self._sources)][:, None]
        usable = (sources[0] != sources[1]) & ~np.isnan(cosines)
        measures = [cosines, *(shapes.likeness(rows, others) for shapes in self._shapes)]
        for chance, values in zip(self._chances, measures, strict=True):
            chance.remember(values[usable])
