"""Nearest neighbours in a history that forgets. The only place that knows hnswlib. Performs no I/O, reads no clock."""

from concurrent.futures import Executor, ThreadPoolExecutor

import hnswlib
import numpy as np

from streams.history.segment import MIN_TILE_ROWS, NO_SIMILARITY, Nearest, Queries, Segment, nearest_of, tile_rows
from streams.settings import IndexSettings

# Segments at the young end that are searched exactly: the one that fills, and the one whose graph is being built.
N_EXACT_SEGMENTS = 2
# So many usable answers a query wants of a sealed segment, else that segment is searched exactly for it:
# as many as make a neighbourhood.
MIN_ANSWERS = 10
# One query of so many is also answered exactly, to know the recall. Chosen by hand, to cost next to nothing.
RECALL_EVERY_QUERIES = 256
# Far above the rounding of float32, far below what would change an answer.
NORM_TOLERANCE = 1e-3
# Of an hnswlib graph: 65,536 locks of 40 bytes, whatever its size; of each row label, lock, level, place in a table of
# labels, and links above the lowest level. As `mallinfo2` counted it: 113 to 116 for 512 to 8,192 rows.
GRAPH_BYTES, GRAPH_ROW_BYTES = 65_536 * 40, 114
# So many queries at once: more would not fit the cache.
SEARCH_ROWS = 64


class SegmentedIndex:
    """Unit vectors by row number, rows ever increasing, in segments: the young ones flat, the old ones HNSW graphs.

    A full segment gets its graph in a background thread. It is used from the row on at which the next segment is full,
    never "when ready", so that an answer depends on the rows alone: if need be that row waits. The oldest segment is
    dropped whole, since an HNSW graph under deletions rots.

    Exact search of young segments is no compromise: in blocks of queries a matrix product costs 5 us for 1,000 rows,
    a graph 35 to 80 us whatever its size, so that graphs pay in segments of about 8,000 rows or more.

    Args:
        dim: Length of a vector.
        settings: Sizes, and the parameters of the graphs.
        first_row: The number of the first row that will be appended, a multiple of a segment's rows.

    Raises:
        ValueError: If `first_row` is not.

    Example:
        >>> import numpy as np
        >>> from streams.history.index import SegmentedIndex
        >>> from streams.settings import IndexSettings
        >>> index = SegmentedIndex(dim=2, settings=IndexSettings())
        >>> vectors = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
        >>> sources = np.array([0, 1, 1])
        >>> index.append(vectors, sources)
        >>> rows, cosines = index.search(vectors, k=2, sources=sources, before=np.full(3, 3))
        >>> rows.tolist()  # rows 1 and 2 are of one source, and no answer to each other
        [[1, 2], [0, -1], [0, -1]]
        >>> print(cosines[0].round(1))
        [0.8 0. ]
    """

    def __init__(self, dim: int, settings: IndexSettings, first_row: int = 0) -> None:
        if first_row % segment_rows(settings):
            raise ValueError(f"first_row is {first_row}, wanted a multiple of {segment_rows(settings)}")
        self.dim = dim
        self.n_rows = first_row
        self.recall_hits = 0
        self.recall_trials = 0
        self._n_queries = 0
        self._settings = settings
        self._segment_rows = segment_rows(settings)
        self._segments: dict[int, Segment] = {}
        self._executor: Executor = ThreadPoolExecutor(1, thread_name_prefix="seal")

    @property
    def n_segments(self) -> int:
        """How many there are, the one that fills among them."""
        return len(self._segments)

    @property
    def n_vectors(self) -> int:
        """How many rows are held; those of the oldest segment count until it goes whole."""
        return sum(one.n_filled for one in self._segments.values())

    @property
    def n_bytes(self) -> int:
        """Memory of vectors, and of the graphs' copies with their links; depends on the rows alone."""
        return sum(one.n_bytes + (self._graph_bytes if self._is_sealed(one) else 0) for one in self._segments.values())

    def append(self, vectors: np.ndarray, sources: np.ndarray) -> None:
        """Takes the next rows.

        Args:
            vectors: `[n, dim]` float32, finite and of unit length.
            sources: `[n]`, a code for each row's source, at least 0.

        Raises:
            ValueError: If a vector is not as wanted: a graph would take it, and give it back as a neighbour.
        """
        self._check(vectors)
        start = 0
        while start < len(vectors):
            number, filled = divmod(self.n_rows, self._segment_rows)
            end = min(len(vectors), start + self._segment_rows - filled)
            if number not in self._segments:
                self._segments[number] = Segment(self.n_rows, self._segment_rows, self.dim)
            segment = self._segments[number]
            segment.append(vectors[start:end], sources[start:end])
            self.n_rows += end - start
            start = end
            if self._is_sealed(segment):
                segment.seal(self._executor, self._build_graph)

    def search(
        self, vectors: np.ndarray, k: int, sources: np.ndarray, before: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest rows of other sources for each query, nearest first.

        Args:
            vectors: `[n, dim]` float32, unit.
            k: How many.
            sources: `[n]`, the source whose rows are no answer to that query.
            before: `[n]`, only rows below this one, and at most the history's length below it, are an answer. All are
                of one piece, see `piece_rows`.

        Returns:
            Rows `[n, k]`, -1 where there are fewer, and cosine similarities `[n, k]`, there -2.
        """
        self._check(vectors)
        rows = np.full((len(vectors), k), -1, np.int64)
        similarities = np.full((len(vectors), k), NO_SIMILARITY, np.float32)
        history, piece = self._settings.history_samples, piece_rows(self._settings)
        for start in range(0, len(vectors), SEARCH_ROWS):
            part = slice(start, min(start + SEARCH_ROWS, len(vectors)))
            floor = int(before[part.start]) // piece * piece - history
            queries = Queries(vectors[part], sources[part], before[part], history, floor)
            rows[part], similarities[part] = self._search_block(queries, k)
            self._sample_recall(queries, similarities[part])
        return rows, similarities

    def cosines(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """The cosine of each of `rows` `[n]` with that of `others` `[n]`; NaN where one is not held."""
        similarities: np.ndarray = np.einsum("nd,nd->n", self.vectors(rows), self.vectors(others))
        return similarities

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """The vectors `[n, dim]` of rows; NaN where one is not held."""
        vectors = np.full((len(rows), self.dim), np.nan, np.float32)
        numbers, places = np.divmod(rows, self._segment_rows)
        for number in np.unique(numbers).tolist():
            if number in self._segments:
                mine = numbers == number
                vectors[mine] = self._segments[number].vectors[places[mine]]
        return vectors

    def drop_before(self, row: int) -> None:
        """Drops the segments all of whose rows are below `row`."""
        for number in [n for n in self._segments if (n + 1) * self._segment_rows <= row]:
            del self._segments[number]

    def wait(self) -> None:
        """Returns when no graph is being built."""
        for segment in self._segments.values():
            segment.wait()

    def close(self) -> None:
        """Ends the background thread once it has built what it was given."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _is_sealed(self, segment: Segment) -> bool:
        """Whether it has a graph, or gets one."""
        return segment.n_filled == self._segment_rows < self._settings.history_samples

    @property
    def _graph_bytes(self) -> int:
        return GRAPH_BYTES + self._segment_rows * (4 * self.dim + 8 * self._settings.M + GRAPH_ROW_BYTES)

    def _search_block(self, queries: Queries, k: int) -> tuple[np.ndarray, np.ndarray]:
        newest = (self.n_rows - 1) // self._segment_rows
        found = [
            segment.search_exactly(queries, k)
            if number > newest - N_EXACT_SEGMENTS
            else segment.search_graph(queries, k, MIN_ANSWERS)
            for number, segment in self._segments.items()
        ]
        return _merged(found, len(queries), k)

    def _sample_recall(self, queries: Queries, similarities: np.ndarray) -> None:
        which = np.flatnonzero((self._n_queries + np.arange(len(queries))) % RECALL_EVERY_QUERIES == 0)
        self._n_queries += len(queries)
        if len(which) and self.n_segments > N_EXACT_SEGMENTS:
            some = queries.some(which)
            exact = _merged([one.search_exactly(some, 1) for one in self._segments.values()], len(which), 1)[1]
            self.recall_hits += int((similarities[which, :1] >= exact - NORM_TOLERANCE / 10).sum())
            self.recall_trials += len(which)

    def _build_graph(self, vectors: np.ndarray) -> Nearest:
        settings = self._settings
        graph = hnswlib.Index(space="ip", dim=self.dim)
        graph.init_index(len(vectors), M=settings.M, ef_construction=settings.ef_construction, random_seed=1)
        graph.add_items(vectors, np.arange(len(vectors)), num_threads=1)

        def nearest(queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
            graph.set_ef(max(settings.ef, k))
            labels, distances = graph.knn_query(queries, k=k, num_threads=1)
            return labels.astype(np.int64), 1 - distances

        return nearest

    def _check(self, vectors: np.ndarray) -> None:
        if vectors.ndim != 2 or vectors.shape[1] != self.dim or vectors.dtype != np.float32:
            raise ValueError(f"vectors are {vectors.dtype} {vectors.shape}, wanted float32 (n, {self.dim})")
        lengths = np.einsum("nd,nd->n", vectors, vectors)
        if not np.all(np.abs(lengths - 1) < NORM_TOLERANCE):  # false for NaN too
            raise ValueError("vectors must be finite and of unit length")


def segment_rows(settings: IndexSettings) -> int:
    """The rows of a segment: the setting, rounded up to whole tiles."""
    return -(-settings.segment_samples // MIN_TILE_ROWS) * MIN_TILE_ROWS


def piece_rows(settings: IndexSettings) -> int:
    """Rows at whose multiples a stream must be cut before it is appended and searched.

    An answer may depend in its last bits on how many tiles there are: queries of two tiles must not share a search.
    """
    return tile_rows(segment_rows(settings))


def ring_rows(settings: IndexSettings) -> int:
    """The length of a ring in which row r has place r % length, long enough for all rows that may be found."""
    return settings.history_samples + 2 * segment_rows(settings)


def _merged(found: list[tuple[np.ndarray, np.ndarray]], n_queries: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    if not found:
        return np.full((n_queries, k), -1, np.int64), np.full((n_queries, k), NO_SIMILARITY, np.float32)
    rows = np.concatenate([one[0][:n_queries] for one in found], axis=1)
    similarities = np.concatenate([one[1][:n_queries] for one in found], axis=1)
    rows, similarities = nearest_of(rows, similarities, k)
    return np.where(similarities > NO_SIMILARITY, rows, -1), similarities
