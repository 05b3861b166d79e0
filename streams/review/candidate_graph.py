"""Who may be whose partner, over the whole history: what arrival found, seen from both ends. Performs no I/O."""

from collections.abc import Callable

import numpy as np

from streams.history.segment import NO_SIMILARITY
from streams.similarity.ranks import places_in_groups

# A younger sample can change the answer of an older one whose so many best candidates it outdoes. Chosen by hand: as
# many as a sample has partners.
RANK = 8
# What a candidate is worth to a sample that has fewer than so many. Chosen by hand: less than any real gain.
FILLS_UP = 0.01


class CandidateGraph:
    """For each sample, by number, its best candidates, and what younger ones could change about its answer.

    Numbers are ever increasing; each sample's place is its number modulo the length of a ring.

    Args:
        n_samples: The length of the ring.
        n_candidates: So many are kept of each.
    """

    def __init__(self, n_samples: int, n_candidates: int) -> None:
        self._ids = np.full((n_samples, n_candidates), -1, np.int64)
        self._scores = np.full((n_samples, n_candidates), NO_SIMILARITY, np.float32)
        self._gains = np.zeros(n_samples, np.float32)
        self._found: list[tuple[int, np.ndarray, np.ndarray]] = []

    def add(self, number: int, candidates: np.ndarray, scores: np.ndarray) -> None:
        """The next sample: its candidates `[k]`, older ones, and their scores, float32; `connect` takes them in."""
        place = number % len(self._ids)
        self._ids[place], self._scores[place], self._gains[place] = -1, NO_SIMILARITY, 0
        self._found.append((number, candidates, scores))

    def connect(self, numbers_of: Callable[[np.ndarray], np.ndarray] = lambda numbers: numbers) -> None:
        """Shows those that were added to their candidates, and the other way round.

        Args:
            numbers_of: From candidates as they were added to their numbers, -1 for none.
        """
        if not self._found:
            return
        numbers, candidates, parts = zip(*self._found, strict=True)
        self._found.clear()
        young, scores = np.repeat(numbers, list(map(len, candidates))), np.concatenate(parts)
        old = numbers_of(np.concatenate(candidates))
        known = old >= 0
        young, old, scores = young[known], old[known], scores[known]
        places = old % len(self._ids)
        bar = self._scores[places, min(RANK, self._scores.shape[1]) - 1]
        has_few = bar <= NO_SIMILARITY
        gains = np.maximum(scores - np.where(has_few, 0, bar), 0) + np.float32(FILLS_UP) * has_few
        np.add.at(self._gains, places, gains)
        self._merge(np.concatenate([young, old]), np.concatenate([old, young]), np.concatenate([scores, scores]))

    def candidates(self, numbers: np.ndarray) -> np.ndarray:
        """The candidates `[n, k]` of samples, the best first; -1 where there are fewer."""
        found: np.ndarray = self._ids[numbers % len(self._ids)]
        return found

    def gains(self, numbers: np.ndarray) -> np.ndarray:
        """How likely the answer of each is to change, 0 where nothing has come."""
        found: np.ndarray = self._gains[numbers % len(self._gains)]
        return found

    def settle(self, numbers: np.ndarray) -> None:
        """These have their answers: what comes from now on counts."""
        self._gains[numbers % len(self._gains)] = 0

    def raise_all(self, numbers: np.ndarray, gain: float) -> None:
        """All of these may have another answer, though nothing came."""
        self._gains[numbers % len(self._gains)] += np.float32(gain)

    def _merge(self, owners: np.ndarray, others: np.ndarray, scores: np.ndarray) -> None:
        """Gives each owner the best of the candidates that it has and of these."""
        better = scores > self._scores[owners % len(self._ids), -1]
        owners, others, scores = owners[better], others[better], scores[better]
        order = np.lexsort((others, -scores, owners))
        owners, others, scores = owners[order], others[order], scores[order]
        touched, group, rank = places_in_groups(owners)
        width = self._ids.shape[1]
        ids = np.full((len(touched), width), -1, np.int64)
        values = np.full((len(touched), width), NO_SIMILARITY, np.float32)
        kept = rank < width
        ids[group[kept], rank[kept]], values[group[kept], rank[kept]] = others[kept], scores[kept]
        places = touched % len(self._ids)
        ids, values = np.hstack([self._ids[places], ids]), np.hstack([self._scores[places], values])
        best = np.argsort(-values, axis=1, kind="stable")[:, :width]
        lines = np.arange(len(touched))[:, None]
        self._ids[places], self._scores[places] = ids[lines, best], values[lines, best]
