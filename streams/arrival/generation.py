"""A generation: a model version with its index. Two are never compared. Performs no I/O and reads no clock."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from streams.arrival.assignment import Candidates
from streams.arrival.chance import FIRST_DRAWS, ChanceScores
from streams.arrival.lag_shapes import lag_shapes_of
from streams.arrival.neighbourhood import EFFECT_EVERY_ROWS, Neighbourhoods
from streams.arrival.row_vectors import EncoderFunction, RowVectors
from streams.history.index import SegmentedIndex, ring_rows
from streams.history.store import SampleStore, Windows
from streams.settings import DescriptorKind, IndexSettings
from streams.stopwatch import Stopwatch

# What a build lags behind must shrink by so much while it catches up, or it is as good as it gets.
CATCHES_UP = 0.9


class _Found(NamedTuple):
    """What was found for consecutive rows of one block: rows, their cosines and other measures, `[n, k]` each."""

    first: int
    rows: np.ndarray
    measures: list[np.ndarray]
    scores: np.ndarray


class Generation:
    """Follows a store with one kind of row vectors: an index of its rows, and how crowded it is around each.

    What it holds after row n depends on the rows and on where it started, not on when or in which steps it followed.

    Args:
        version: The model's, 0 for none.
        row_vectors: Of its windows.
        settings: Of the index.
        neighbours: Candidates that are fetched for each row.
        first_row: The store's first row, where it starts.
        lag_tolerant: Compare coarse windows at their best lag, beside their vectors.
    """

    def __init__(
        self,
        version: int,
        row_vectors: RowVectors,
        settings: IndexSettings,
        neighbours: int,
        first_row: int = 0,
        lag_tolerant: bool = True,
    ) -> None:
        self.version = version
        self.index = SegmentedIndex(row_vectors.dim, settings, first_row)
        self._row_vectors = row_vectors
        self._neighbours = neighbours
        self._first_row = first_row
        self._history = settings.history_samples
        self._neighbourhoods = Neighbourhoods(ring_rows(settings))
        shapes = lag_shapes_of(row_vectors.spec, ring_rows(settings), row_vectors.kind) if lag_tolerant else []
        self._chance = ChanceScores(self.index, ring_rows(settings), shapes)
        self._open: list[_Found] = []
        self._n_floors = 0

    @property
    def n_rows(self) -> int:
        """The row that it takes next."""
        return self.index.n_rows

    @property
    def descriptor(self) -> DescriptorKind:
        """How it compares windows beside what the model's encoder makes of them."""
        return self._row_vectors.kind

    @property
    def n_bytes(self) -> int:
        """Memory of all that it holds of its rows; depends on these alone."""
        return self.index.n_bytes + self._chance.n_bytes + self._neighbourhoods.n_bytes

    def learned_vectors(self, rows: np.ndarray) -> np.ndarray:
        """What the model's encoder made of rows `[n]`, unit `[n, dim]`; NaN where one is not held."""
        return self._row_vectors.learned_part(self.index.vectors(rows))

    def take_over(self, history: Sequence[Windows]) -> None:
        """Takes consecutive pieces of a history at once, then asks for each row who is near it.

        Unlike rows that are followed one by one, these know younger neighbours too.
        """
        first = start = self.n_rows
        vectors = [self._row_vectors(windows) for windows in history]
        for part, windows in zip(vectors, history, strict=True):
            self._chance.write(self.n_rows, windows.raw, windows.sources)
            self.index.append(part, windows.sources)
        end = self.n_rows
        for number in range(FIRST_DRAWS if end > start else 0):
            self._chance.draw(start, end, number)
        for part, windows in zip(vectors, history, strict=True):
            rows, cosines = self.index.search(part, self._neighbours, windows.sources, np.full(len(part), end))
            for found in self._in_blocks(first, rows, self._chance.measures(first, rows, cosines)):
                self._neighbourhoods.start(found.first, found.scores)
            first += len(part)

    def follow(self, store: SampleStore, end: int, stopwatch: Stopwatch | None = None) -> list[Candidates]:
        """Takes the store's rows up to `end`, each bound to what came before it.

        Args:
            store: It may hold more.
            end: The row to stop before.
            stopwatch: Is told what embedding and search took.

        Returns:
            What was found for them, in order, cut where a block of 64 rows ends.
        """
        pieces = store.pieces(self.n_rows, end)
        return [one for piece in pieces for one in self.follow_piece(store, store.windows(*piece), stopwatch)]

    def follow_piece(
        self, store: SampleStore, windows: Windows, stopwatch: Stopwatch | None = None
    ) -> list[Candidates]:
        """As `follow`, for the next rows whose windows are these, all of one piece of the store, or once of it."""
        stopwatch = stopwatch or Stopwatch()
        start = self.n_rows
        self._drop_as(store, start)
        with stopwatch.timed("embed"):
            vectors = self._row_vectors(windows)
        with stopwatch.timed("search"):
            self.index.append(vectors, windows.sources)
            before = np.arange(start, start + len(vectors))
            rows, cosines = self.index.search(vectors, self._neighbours, windows.sources, before)
            self._chance.write(start, windows.raw, windows.sources)
            measures = self._chance.measures(start, rows, cosines)
        return [self._candidates(found) for found in self._in_blocks(start, rows, measures)]

    def _in_blocks(self, first: int, rows: np.ndarray, measures: list[np.ndarray]) -> Iterator[_Found]:
        """What was found for rows from `first` on, cut where blocks end, each scored when it is asked for."""
        start, end = first, first + len(rows)
        while start < end:
            stop = min(end, (start // EFFECT_EVERY_ROWS + 1) * EFFECT_EVERY_ROWS)
            part = slice(start - first, stop - first)
            mine = [values[part] for values in measures]
            yield _Found(start, rows[part], mine, self._chance.scores(rows[part], mine))
            start = stop

    def _candidates(self, found: _Found) -> Candidates:
        """The rows found with their neighbourhoods, which change where a block ends, as the units of the scores do."""
        stop = found.first + len(found.rows)
        self._neighbourhoods.start(found.first, found.scores)
        own = self._neighbourhoods.means(np.arange(found.first, stop))
        means = self._neighbourhoods.means(found.rows)
        self._open.append(found)
        if stop % EFFECT_EVERY_ROWS == 0:
            self._close_block(stop)
        return Candidates(found.rows, found.measures[0], found.scores, means, own)

    def _close_block(self, stop: int) -> None:
        was_known = self._chance.is_known
        if self._chance.is_due(stop // EFFECT_EVERY_ROWS):
            self._chance.draw(max(self._first_row, stop - self._history), stop)
        if self._chance.is_known and not was_known:
            # What was scored in guessed units is scored again.
            self._open = [one._replace(scores=self._chance.scores(one.rows, one.measures)) for one in self._open]
            for one in self._open:
                self._neighbourhoods.start(one.first, one.scores)
        rows, scores = (np.concatenate([one[i] for one in self._open]) for i in (1, 3))
        self._neighbourhoods.touch(rows[rows >= 0], scores[rows >= 0])
        self._open.clear()

    def _drop_as(self, store: SampleStore, row: int) -> None:
        """Drops what the store had dropped when it stood at `row`."""
        for at_row, first_row in store.floors[self._n_floors :]:
            if at_row > row:
                break
            self.index.drop_before(first_row)
            self._n_floors += 1


class GenerationBuild:
    """The next generation while it is being built from what a store holds now.

    Args:
        generation: Empty, starting where the store does, or one that was held, whose next row the store still has.
        store: Goes on taking samples meanwhile.
        built_at: How many samples the binder had observed.
        encoders: The model's, by modality.
    """

    def __init__(
        self,
        generation: Generation,
        store: SampleStore,
        built_at: int,
        encoders: Mapping[str, EncoderFunction] | None = None,
    ) -> None:
        self.generation = generation
        self.built_at = built_at
        self.encoders = encoders or {}
        self.is_built = False
        self._store = store
        # Views keep their segments alive, so that what the store drops meanwhile is taken all the same.
        self._history = [store.windows(*piece) for piece in store.pieces(generation.n_rows, store.n_rows)]

    @property
    def version(self) -> int:
        """The version of the model that is being built for."""
        return self.generation.version

    def run(self) -> None:
        """Does the heavy part: embeds what the generation lacks, and builds its index. May run in any thread, once."""
        if self.generation.index.n_vectors:
            for windows in self._history:
                self.generation.follow_piece(self._store, windows)
        else:
            self.generation.take_over(self._history)
        self._history.clear()
        self.generation.index.wait()
        before = math.inf
        while True:
            self.catch_up()
            if self._behind <= EFFECT_EVERY_ROWS or self._behind > CATCHES_UP * before:
                break  # a stream that is as fast is not caught up with
            before = self._behind
        self.is_built = True

    def catch_up(self) -> None:
        """Takes the rows that the store got meanwhile; cheap where they are few."""
        self.generation.follow(self._store, self._store.n_rows)

    @property
    def _behind(self) -> int:
        return self._store.n_rows - self.generation.n_rows

    def abandon(self) -> None:
        """Lets go of it: it will not be swapped in."""
        self.generation.index.close()

    def finish(self) -> Generation:
        """The generation, abreast of the store; for the thread that feeds the store."""
        if not self.is_built:
            self.run()
        self.catch_up()
        return self.generation
