"""All samples of the history that a later round may ask or offer as partners. Performs no I/O, reads no clock."""

from collections.abc import Iterator, Sequence

import numpy as np

from streams.arrival.first_round import FirstAnswer
from streams.arrival.neighbourhood import EFFECT_EVERY_ROWS
from streams.history.index import ring_rows
from streams.history.modality_sets import ModalitySets
from streams.history.table import SampleTable, TableRow
from streams.records import Sample
from streams.review.candidate_graph import CandidateGraph
from streams.settings import BindingSettings, IndexSettings

NS_PER_H = 3_600_000_000_000
# Windows that are let go of together: one at a time they would take as long each. Chosen by hand.
BLOCK = 64


class Remembered:
    """Samples by number, in the order in which they came; the oldest are forgotten as the index forgets them.

    Args:
        shared: The modalities that bind.
        settings: Of binding: whose windows are held, and how many candidates are kept.
        index: How long the history is.
    """

    def __init__(self, shared: Sequence[str], settings: BindingSettings, index: IndexSettings) -> None:
        self.first = 0
        self.rows: list[TableRow] = []
        self.sets = ModalitySets(shared)
        # Between two rounds none are forgotten, and a round after a swap need not begin at a counted row.
        n_most = index.history_samples + max(settings.review_samples, 2 * EFFECT_EVERY_ROWS)
        self.graph = CandidateGraph(n_most, settings.neighbours)
        self._codes = np.zeros(n_most, np.int64)
        # Of the index's rows, in a ring: each was appended here too.
        self._numbers = np.full(ring_rows(index), -1, np.int64)
        self._index = index
        self._next_to_go = 0
        self._n_held = max(settings.held_windows, settings.review_samples)

    @property
    def end(self) -> int:
        """The number of the next sample."""
        return self.first + len(self.rows)

    @property
    def numbers(self) -> np.ndarray:
        """Of all samples."""
        return np.arange(self.first, self.end)

    def append(self, sample: Sample, arrived: FirstAnswer | None) -> TableRow:
        """The next sample, and what arrival found for it, if it was looked for."""
        number = self.end
        row = TableRow.of(sample)
        self.rows.append(row)
        self._codes[number % len(self._codes)] = self.sets.code(row.modalities)
        if arrived is None:
            self.graph.add(number, np.zeros(0, np.int64), np.zeros(0, np.float32))
            return row
        self._numbers[arrived.row % len(self._numbers)] = number
        if arrived.partners and arrived.best_row >= 0:
            best = int(self._numbers[arrived.best_row % len(self._numbers)])
            row.brings_new = best >= self.first and bool(self.sets.brings_new(*self.codes(np.array([number, best]))))
        self.graph.add(number, arrived.candidates, arrived.scores)
        return row

    def connect(self) -> None:
        """Shows samples that came to those that arrival found for them."""
        self.graph.connect(self._numbers_of)

    def let_go(self) -> Iterator[SampleTable]:
        """Samples whose windows go once it was seen what they are needed for."""
        while self.end - self._n_held - self._next_to_go >= BLOCK:
            first = max(self._next_to_go, self.first)
            table = self.table(np.arange(first, max(first, self._next_to_go + BLOCK)))
            yield table
            for row in table.rows:
                row.windows = None
            self._next_to_go += BLOCK

    def forget_old(self) -> None:
        """Lets go of those that the index has no room for, and of those that are too old."""
        oldest_ns = self.rows[-1].start_ns - self._index.history_hours * NS_PER_H if self.rows else 0
        n_old = max(0, len(self.rows) - self._index.history_samples)
        while n_old < len(self.rows) and self.rows[n_old].start_ns < oldest_ns:
            n_old += 1
        if n_old:
            del self.rows[:n_old]
            self.first += n_old

    def _numbers_of(self, rows: np.ndarray) -> np.ndarray:
        """Of rows of the index that may be found, or -1; -1 for those that were forgotten."""
        numbers = np.take(self._numbers, rows, mode="wrap")
        return np.where((rows >= 0) & (numbers >= self.first), numbers, -1)

    def codes(self, numbers: np.ndarray) -> np.ndarray:
        """Of their modalities, in `sets`."""
        found: np.ndarray = self._codes[numbers % len(self._codes)]
        return found

    def candidates(self, numbers: np.ndarray) -> np.ndarray:
        """`[n, k]` of samples, the best first, those that bring a new pair of modalities before all others; or -1."""
        found = self.graph.candidates(numbers)
        found = np.where(found >= self.first, found, -1)
        new = self.sets.brings_new(self.codes(numbers)[:, None], self.codes(found)) & (found >= 0)
        order = np.argsort(np.where(found < 0, 2, ~new), axis=1, kind="stable")
        best: np.ndarray = np.take_along_axis(found, order, axis=1)
        return best

    def table(self, numbers: np.ndarray) -> SampleTable:
        """Those samples, side by side."""
        return SampleTable([self.rows[number - self.first] for number in numbers.tolist()])
