"""Who is asked in a later round, and beside whom. Performs no I/O, keeps no state."""

from typing import NamedTuple

import numpy as np

from streams.review.remembered import Remembered

# Of a table so large a part are new samples, old ones that are asked once more, and others that are drawn at random, so
# that chance can be told; the rest are candidates of those asked. All numbers here were chosen on UTD-MHAD and MHEALTH
# in four orders, with their labels: `python -m benchmarks.orders`. With half as many new ones pairs are no better.
NEW, OLD, DRAWN = 0.4, 0.2, 0.2
# A sample that is only a candidate has an answer too where the table holds this share of its own best candidates.
COVERED, COVERED_OF = 0.9, 16


class Selection(NamedTuple):
    """Numbers of a table's samples, ascending, and whether each is asked, `[n]`."""

    numbers: np.ndarray
    is_asked: np.ndarray


def new_of(size: int) -> int:
    """How many new samples a table of that size takes."""
    return max(1, round(NEW * size))


def select(remembered: Remembered, first_new: int, size: int) -> Selection:
    """The table of a round: the same for the same history.

    Args:
        remembered: Up to date.
        first_new: The number of the first sample that was never asked.
        size: Of the table; a history that fits is taken whole.
    """
    numbers = remembered.numbers
    if len(numbers) <= size:
        return Selection(numbers, np.ones(len(numbers), bool))
    new = np.arange(max(first_new, remembered.end - size), remembered.end)
    n_old, n_drawn = max(1, round(OLD * size)), max(1, round(DRAWN * size))
    older = numbers[: len(numbers) - len(new)]
    gains = remembered.graph.gains(older)
    promising = older[np.argsort(-gains, kind="stable")[:n_old]]
    asked = np.sort(np.concatenate([promising[remembered.graph.gains(promising) > 0], new]))[-size:]
    chosen = np.zeros(len(numbers), bool)
    chosen[asked - remembered.first] = True
    _choose(chosen, _by_votes(remembered, asked), max(0, size - n_drawn), remembered.first)
    drawn = np.random.default_rng(remembered.end).permutation(numbers)
    _choose(chosen, drawn, size, remembered.first)
    is_asked = np.zeros(len(numbers), bool)
    is_asked[chosen] = _are_covered(remembered, numbers[chosen], chosen)
    is_asked[asked - remembered.first] = True
    return Selection(numbers[chosen], is_asked[chosen])


def _choose(chosen: np.ndarray, wanted: np.ndarray, size: int, first: int) -> None:
    """Marks the first of those wanted until so many are chosen in all."""
    places = wanted - first
    places = places[~chosen[places]]
    chosen[places[: max(0, size - int(chosen.sum()))]] = True


def _by_votes(remembered: Remembered, asked: np.ndarray) -> np.ndarray:
    """The candidates of those asked: the first of each before the second of any, the younger of equals first."""
    candidates = remembered.candidates(asked)
    best = np.full(len(remembered.rows), candidates.shape[1], np.int64)
    ranks = np.broadcast_to(np.arange(candidates.shape[1]), candidates.shape)
    known = candidates >= 0
    np.minimum.at(best, candidates[known] - remembered.first, ranks[known])
    voted = np.flatnonzero(best < candidates.shape[1])
    order = np.lexsort((-voted, best[voted]))
    by_votes: np.ndarray = voted[order] + remembered.first
    return by_votes


def _are_covered(remembered: Remembered, numbers: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Of each of these samples, whether enough of its best candidates are chosen."""
    candidates = remembered.candidates(numbers)[:, :COVERED_OF]
    known = candidates >= 0
    there = chosen[np.where(known, candidates - remembered.first, 0)] & known
    n_known = known.sum(axis=1)
    covered: np.ndarray = (n_known > 0) & (there.sum(axis=1) >= COVERED * n_known)
    return covered
