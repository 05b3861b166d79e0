"""Binds samples when they come, by the index of a generation. Performs no I/O and reads no clock."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streams.calibration import Calibration, Similarity
from streams.generation import Generation
from streams.neighbourhood import BLOCK_ROWS
from streams.records import Partner, Sample
from streams.scoring import Assignment, Candidates, assign
from streams.settings import BindingSettings
from streams.stopwatch import Stopwatch
from streams.store import SampleStore


class Arrived(NamedTuple):
    """A sample's partners, None where they are withheld, and whether all are withheld at that row."""

    partners: tuple[Partner, ...] | None
    withholds: bool


class Arrival:
    """From new samples to their first partners; counts how often each was one.

    Args:
        store: The history, which it fills.
        settings: How partners are chosen.
        calibration: Is told of all pairs, and says what they are worth.
        stopwatch: Is told what embedding and search took.
    """

    def __init__(
        self, store: SampleStore, settings: BindingSettings, calibration: Calibration | None, stopwatch: Stopwatch
    ) -> None:
        self._store, self._settings = store, settings
        self._calibration, self._stopwatch = calibration, stopwatch
        self._used: list[Assignment] = []

    @property
    def withholds(self) -> bool:
        """Whether pairs are withheld now."""
        return self._calibration is not None and self._calibration.withholds

    def bind(self, generation: Generation, samples: Sequence[Sample], partition: int) -> list[Arrived]:
        """Takes samples into the history, each bound to what came before it."""
        found: list[Arrived] = []
        start = 0
        while start < len(samples):
            piece = samples[start : start + self._store.room]
            first = row = self._store.n_rows
            self._store.append(piece, partition)
            for candidates in generation.follow(self._store, self._store.n_rows, self._stopwatch):
                fresh, use = self._store.fresh(row, candidates.rows), self._store.use(candidates.rows)
                assignment = assign(candidates, fresh, use, self._settings)
                mine = piece[row - first : row - first + len(candidates.rows)]
                row += len(mine)
                self._count_use(assignment, row)
                withholds = self.withholds
                judged = self._judged(mine, candidates, assignment, generation.index.cosines)
                found += [Arrived(partners, withholds) for partners in judged]
            start += len(piece)
        return found

    def _count_use(self, assignment: Assignment, row: int) -> None:
        """Use counts from the next block on."""
        self._used.append(assignment)
        if row % BLOCK_ROWS == 0:
            rows = np.concatenate([one.rows.ravel() for one in self._used])
            amounts = np.concatenate([one.probabilities.ravel() for one in self._used])
            self._store.add_use(rows[rows >= 0], amounts[rows >= 0])
            self._used.clear()

    def _judged(
        self, samples: Sequence[Sample], candidates: Candidates, assignment: Assignment, cosines: Similarity
    ) -> list[tuple[Partner, ...] | None]:
        """The partners with their confidence, or None for those that are withheld."""
        if self._calibration is None:
            return [*self._partners(assignment, None)]
        withholds = self._calibration.withholds
        confidence = self._calibration.observe(samples, candidates, assignment, cosines)
        partners = self._partners(assignment, confidence)
        return [None if withholds and one else one for one in partners]

    def _partners(self, assignment: Assignment, confidence: np.ndarray | None) -> list[tuple[Partner, ...]]:
        found = assignment.probabilities > 0
        ids = iter(self._store.ids(assignment.rows[found].tolist()))
        unknown = [[None] * found.shape[1]] * len(found)
        confidences = unknown if confidence is None else confidence.tolist()
        numbers = zip(assignment.similarities.tolist(), assignment.probabilities.tolist(), confidences, strict=True)
        return [
            tuple(
                Partner(sample_id=next(ids), similarity=similarity, probability=probability, confidence=confident)
                for similarity, probability, confident in zip(*row, strict=True)
                if probability > 0
            )
            for row in numbers
        ]
