"""Who goes with whom when all are asked together: soft pairs that nobody monopolises. Pure."""

import numpy as np
from jaxtyping import Bool, Float, Int

from streams.similarity.ranks import places_in_groups

# More hardly change who comes first: with 30 for eight of 1,280 another one does. Chosen by hand.
ITERATIONS = 16


def balanced_plan(
    scores: Float[np.ndarray, "n m"], allowed: Bool[np.ndarray, "n m"], softness: float
) -> Float[np.ndarray, "n m"]:
    """Log-probabilities, but for a constant of each row, of a plan in which all columns get alike much.

    Rows and columns of `exp(scores / softness)` are scaled in turn until each sums to 1: Sinkhorn's algorithm, that is
    entropic optimal transport (Cuturi, arXiv 1306.0895). Where rows and columns differ in number that has no solution,
    and what the last round gave is as fair as it gets.

    Args:
        scores: Of row with column, finite.
        allowed: Which pairs may be; -inf comes where not.
        softness: The scale of the scores on which one pair is as good as another.
    """
    scaled = np.where(allowed, scores, np.float32(-np.inf))
    peaks = scaled.max(axis=1, initial=-np.inf, keepdims=True)
    scaled -= np.where(np.isfinite(peaks), peaks, 0)
    scaled /= np.float32(softness)
    # In double precision: where few may go with many, and there only, the factors grow with every round.
    weights = np.exp(scaled).astype(np.float64)
    tiny = 1e-200
    is_wanted = allowed.any(axis=0)
    columns = np.ones(scores.shape[1])
    for _ in range(ITERATIONS):
        rows = 1 / np.maximum(weights @ columns, tiny)
        columns = np.where(is_wanted, 1 / np.maximum(rows @ weights, tiny), 0)
        columns /= columns.max(initial=tiny)
    scaled += np.log(np.maximum(columns, tiny)).astype(scaled.dtype)
    return scaled


def plan_row_by_row(
    scores: Float[np.ndarray, "n m"], allowed: Bool[np.ndarray, "n m"], softness: float
) -> Float[np.ndarray, "n m"]:
    """Log-probabilities, but for a constant of each row, where each row shares itself out without regard to others."""
    alone: np.ndarray = np.where(allowed, scores / np.float32(softness), np.float32(-np.inf))
    return alone


def used_too_often(best: Int[np.ndarray, " n"], scores: Float[np.ndarray, " n"], most: int) -> Bool[np.ndarray, " n"]:
    """Of the rows that have the same best partner all but the `most` that it suits best.

    Of few newcomers everybody else is the partner, though they are right for few: balance cannot know that.

    Args:
        best: Each row's partner.
        scores: Of each with that partner; -inf where there is none.
    """
    order = np.lexsort((-scores, best))
    _, _, rank = places_in_groups(best[order])
    crowded = np.zeros(len(best), bool)
    crowded[order] = rank >= most
    return crowded
