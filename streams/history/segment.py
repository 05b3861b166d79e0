"""One segment of the index: exact search by a matrix product, and later a graph. Performs no I/O."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TypeAlias

import numpy as np

from streams.similarity.exact_products import padded, products

# Vectors lie in tiles, since a product's last bits may depend on its shape. Chosen by hand.
MAX_TILE_ROWS = 512
MIN_TILE_ROWS = 64
# Below any cosine and any score: of what must not be found, or was not.
NO_SIMILARITY = np.float32(-2)
NOWHERE = np.zeros(0, np.intp)

# Queries `[n, D]` and k to places within a segment and similarities, `[n, k]` each, through a graph.
Nearest: TypeAlias = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]


def tile_rows(n_rows: int) -> int:
    """The rows of one tile in a segment of so many."""
    return MAX_TILE_ROWS if n_rows % MAX_TILE_ROWS == 0 else MIN_TILE_ROWS


def nearest_of(rows: np.ndarray, similarities: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k (or all, if they are fewer) most similar of `[n, m]`, the most similar first."""
    n_columns = similarities.shape[1]
    lines = np.arange(len(rows))[:, None]
    if k < n_columns:
        best = np.argpartition(similarities, n_columns - k, axis=1)[:, n_columns - k :]
        rows, similarities = rows[lines, best], similarities[lines, best]
    order = np.argsort(-similarities, axis=1, kind="stable")
    return rows[lines, order], similarities[lines, order]


class Queries:
    """Vectors `[n, D]` to find the nearest of, the sources to leave out, and the rows that may be found.

    Only rows from `before[i] - history` up to, not including, `before[i]` may be an answer to query i. All of them lie
    in one piece of the stream, `floor` is its first row less the history: nothing older is even looked at.
    """

    def __init__(self, vectors: np.ndarray, sources: np.ndarray, before: np.ndarray, history: int, floor: int) -> None:
        self.vectors, self.sources, self.before = vectors, sources, before
        self.oldest = before - history
        self.floor = floor
        self._history = history

    def __len__(self) -> int:
        return len(self.vectors)

    def some(self, which: np.ndarray) -> "Queries":
        """These of the queries, by their places, as queries of their own."""
        return Queries(self.vectors[which], self.sources[which], self.before[which], self._history, self.floor)


class Segment:
    """Consecutive rows from `first_row` on: vectors, their sources, and, once it is full, a graph over them."""

    def __init__(self, first_row: int, n_rows: int, dim: int) -> None:
        self.first_row, self.n_rows = first_row, n_rows
        self.tiles = np.zeros((n_rows // tile_rows(n_rows), tile_rows(n_rows), dim), np.float32)
        self.n_filled = 0
        self._sources = np.full(n_rows, -1, np.int32)
        self._places = _Places()
        self._graph: Future[Nearest] | None = None

    @property
    def vectors(self) -> np.ndarray:
        """All vectors `[n_rows, D]`, zeros where there is none yet."""
        return self.tiles.reshape(self.n_rows, -1)

    @property
    def n_bytes(self) -> int:
        """Memory of vectors and sources, without the graph."""
        return self.tiles.nbytes + self._sources.nbytes + self._places.n_bytes

    def append(self, vectors: np.ndarray, sources: np.ndarray) -> None:
        """Takes the next rows; the caller sees to it that they fit."""
        end = self.n_filled + len(vectors)
        self.vectors[self.n_filled : end] = vectors
        self._sources[self.n_filled : end] = sources
        self._places.append(sources, self.n_filled)
        self.n_filled = end

    def seal(self, executor: Executor, build: Callable[[np.ndarray], Nearest]) -> None:
        """Begins to build the graph; nothing uses it yet."""
        self._graph = executor.submit(build, self.vectors)

    def wait(self) -> None:
        """Returns when the graph is there."""
        if self._graph is not None:
            self._graph.result()

    def search_exactly(self, queries: Queries, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and similarities `[n, m]` among which are the k nearest, in no order; similarity -2: none."""
        tile = self.tiles.shape[1]
        tiles = slice(max(0, queries.floor - self.first_row) // tile, -(-self.n_filled // tile))
        similarity = products(self.tiles[tiles], padded(queries.vectors))
        self._forbid(similarity, queries, tiles.start * tile)
        places, found = _largest(similarity, k)
        return places[: len(queries)] + (self.first_row + tiles.start * tile), found[: len(queries)]

    def search_graph(self, queries: Queries, k: int, n_wanted: int) -> tuple[np.ndarray, np.ndarray]:
        """Some more of them, found through the graph, which is waited for if need be.

        The graph knows nothing of sources: where too few of its answers may be used, that query is searched exactly.
        """
        assert self._graph is not None, "sealed when it was full"
        # Twice as many, since some of them may not be used: that costs a graph next to nothing.
        places, found = self._graph.result()(queries.vectors, min(2 * k, self.n_filled))
        rows = places + self.first_row
        forbidden = self._sources[places] == queries.sources[:, None]
        forbidden |= (rows < queries.oldest[:, None]) | (rows >= queries.before[:, None])
        found[forbidden] = NO_SIMILARITY
        poor = np.flatnonzero((found > NO_SIMILARITY).sum(axis=1) < n_wanted)
        if len(poor):
            exact_rows, exact_found = nearest_of(*self.search_exactly(queries.some(poor), k), rows.shape[1])
            rows[poor, : exact_rows.shape[1]], found[poor] = exact_rows, NO_SIMILARITY
            found[poor, : exact_rows.shape[1]] = exact_found
        return rows, found

    def _forbid(self, similarity: np.ndarray, queries: Queries, start: int) -> None:
        """Writes NO_SIMILARITY over what may not be found in `[blocks, tiles, tile, 16]`, from place `start` on."""
        n_blocks, _, _, lanes = similarity.shape
        blocks = similarity.reshape(n_blocks, -1)
        for number, source in enumerate(queries.sources.tolist()):
            # Flat, since indexing in two dimensions takes several times as long.
            blocks[number // lanes][(self._places.of(source, start) - start) * lanes + number % lanes] = NO_SIMILARITY
        by_row = similarity.reshape(n_blocks, -1, lanes)
        first = self.first_row + start
        for number in np.flatnonzero(queries.oldest > first).tolist():
            by_row[number // lanes, : queries.oldest[number] - first, number % lanes] = NO_SIMILARITY
        for number in np.flatnonzero(queries.before < first + by_row.shape[1]).tolist():
            by_row[number // lanes, max(0, queries.before[number] - first) :, number % lanes] = NO_SIMILARITY


class _Places:
    """The places of each source in a segment."""

    def __init__(self) -> None:
        self._places: dict[int, np.ndarray] = {}
        self._counts: dict[int, int] = {}

    @property
    def n_bytes(self) -> int:
        """Memory of the places."""
        return sum(places.nbytes for places in self._places.values())

    def append(self, sources: np.ndarray, first: int) -> None:
        """The sources of the rows from place `first` on."""
        for place, source in enumerate(sources.tolist(), first):
            count = self._counts.get(source, 0)
            places = self._places.get(source)
            if places is None:
                places = self._places[source] = np.zeros(8, np.intp)
            elif count == len(places):
                places = self._places[source] = np.concatenate([places, np.zeros_like(places)])
            places[count] = place
            self._counts[source] = count + 1

    def of(self, source: int, first: int) -> np.ndarray:
        """The places of one source from place `first` on, ascending."""
        places = self._places.get(source, NOWHERE)[: self._counts.get(source, 0)]
        return places[np.searchsorted(places, first) :] if first else places


def _largest(similarity: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and values `[16 b, m]` that hold the k largest for each query of `[b, tiles, tile, 16]`, m at least k.

    A place counts the rows of all tiles through. The k rows of a tile with the largest maxima over the tiles hold the
    k largest values.
    """
    n_blocks, n_tiles, tile, lanes = similarity.shape
    queries = np.arange(n_blocks * lanes)[:, None]
    rows = np.broadcast_to(np.arange(tile), (len(queries), tile))
    if k < tile and n_tiles > 1:
        peaks = similarity.max(axis=1).transpose(0, 2, 1).reshape(len(queries), tile)
        rows = np.argpartition(peaks, tile - k, axis=1)[:, tile - k :]
    places = (rows[:, None, :] + np.arange(n_tiles)[None, :, None] * tile).reshape(len(queries), -1)
    values = similarity.reshape(n_blocks, -1, lanes)[queries // lanes, places, queries % lanes]
    short = ((0, 0), (0, max(0, k - values.shape[1])))
    return np.pad(places, short), np.pad(values, short, constant_values=NO_SIMILARITY)
