"""Binds samples when they come, by the index of a generation. Performs no I/O and reads no clock."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streams.arrival.assignment import Assignment, assign
from streams.arrival.generation import Generation
from streams.arrival.neighbourhood import EFFECT_EVERY_ROWS
from streams.history.store import SampleStore
from streams.records import Partner, Sample
from streams.settings import BindingSettings
from streams.stopwatch import Stopwatch


class FirstAnswer(NamedTuple):
    """The partners of a new sample, its row, that of the best partner (any if there is none), and all candidates."""

    partners: tuple[Partner, ...]
    row: int
    best_row: int
    candidates: np.ndarray
    scores: np.ndarray


class FirstRound:
    """From new samples to their first partners; counts how often each was one.

    Args:
        store: The history, which it fills.
        settings: How partners are chosen.
        stopwatch: Is told what embedding and search took.
    """

    def __init__(self, store: SampleStore, settings: BindingSettings, stopwatch: Stopwatch) -> None:
        self._store, self._settings, self._stopwatch = store, settings, stopwatch
        self._used: list[Assignment] = []

    def bind(self, generation: Generation, samples: Sequence[Sample]) -> list[FirstAnswer]:
        """Takes samples into the history; the partners of each among what came before it."""
        found: list[FirstAnswer] = []
        start = 0
        while start < len(samples):
            piece = samples[start : start + self._store.room]
            row = self._store.n_rows
            self._store.append(piece)
            for candidates in generation.follow(self._store, self._store.n_rows, self._stopwatch):
                fresh, use = self._store.fresh(row, candidates.rows), self._store.use(candidates.rows)
                assignment = assign(candidates, fresh, use, self._settings)
                best_rows = assignment.rows[:, 0].tolist()
                for place, partners in enumerate(self._partners(assignment)):
                    own = candidates.rows[place], candidates.scores[place]
                    found.append(FirstAnswer(partners, row + place, best_rows[place], *own))
                row += len(candidates.rows)
                self._count_use(assignment, row)
            start += len(piece)
        return found

    def _count_use(self, assignment: Assignment, row: int) -> None:
        """Counts who was a partner, for samples of the next block and later."""
        self._used.append(assignment)
        if row % EFFECT_EVERY_ROWS == 0:
            rows = np.concatenate([one.rows.ravel() for one in self._used])
            amounts = np.concatenate([one.probabilities.ravel() for one in self._used])
            self._store.count_use(rows[rows >= 0], amounts[rows >= 0])
            self._used.clear()

    def _partners(self, assignment: Assignment) -> list[tuple[Partner, ...]]:
        ids = iter(self._store.ids(assignment.rows[assignment.probabilities > 0].tolist()))
        return [
            tuple(
                Partner(sample_id=next(ids), similarity=similarity, probability=probability)
                for similarity, probability in zip(*row, strict=True)
                if probability > 0
            )
            for row in zip(assignment.similarities.tolist(), assignment.probabilities.tolist(), strict=True)
        ]
