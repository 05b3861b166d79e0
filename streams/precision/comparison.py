"""Partners that scores give, how sure they are, and which of several ways to compare finds the nearest. Pure."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int

from streams.precision.agreement_curve import MIN_QUERIES
from streams.precision.witnesses import Witness, farness, known_pairs
from streams.similarity.sinkhorn import balanced_plan

# Standard errors that another way to compare must be better by than the usual one. Chosen on four sets, with their
# labels: `python -m benchmarks.reliability`.
BETTER = 2.0
# Scale of the scores, in standard deviations of chance, on which one partner is as good as another. Chosen by hand.
SOFTNESS = 0.4

Name = TypeVar("Name", bound=str)


def best_comparison(
    candidates: Mapping[Name, Float[np.ndarray, "n n"]],
    witnesses: Sequence[Witness],
    sources: Int[np.ndarray, " n"],
) -> Name:
    """Which way to compare samples suits these data best: the name of one of the candidates.

    Each finds a partner for all samples that have a witness in common with others. The one whose partners are nearest
    by the witnesses is taken; an earlier one of the candidates, unless a later one is clearly better.

    Args:
        candidates: Scores `[N, N]` of all pairs, the safest first: it is the answer where there is nothing to tell by.
        witnesses: Of the samples.
        sources: `[N]` codes.
    """
    views = [one.rotation_tolerant_cosines for one in witnesses]
    allowed = known_pairs(views, sources)
    best, least = next(iter(candidates)), np.zeros(0)
    for name, scores in candidates.items():
        rows, partners, _ = best_partners(scores, allowed)
        far = np.concatenate([farness(view, sources, rows, partners).nearer for view in views] or [least])
        known = ~np.isnan(far)
        if known.sum() < MIN_QUERIES:
            return next(iter(candidates))
        if not len(least):
            least = far
            continue
        gain = (least - far)[known & ~np.isnan(least)]
        if gain.mean() > BETTER * gain.std() / np.sqrt(len(gain)):
            best, least = name, far
    return best


def sureness(scores: Float[np.ndarray, "n n"], plan: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n n"]:
    """How sure `[N, N]` each pair is: the logarithm of its share in the row, plus the score it has by itself.

    Args:
        scores: In standard deviations of chance.
        plan: Of these scores, see `balanced_plan`; -inf where a pair may not be.
    """
    peak = plan.max(axis=1, initial=-np.inf, keepdims=True)
    peak = np.where(np.isfinite(peak), peak, 0)
    total = np.log(np.maximum(np.exp(plan - peak).sum(axis=1, keepdims=True), np.finfo(np.float32).tiny))
    sure: np.ndarray = plan - peak - total + scores
    return sure


def best_partners(
    scores: Float[np.ndarray, "n n"], allowed: Bool[np.ndarray, "n n"]
) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """The rows that may have partners, the best one of each, and how sure that is."""
    if not allowed.any():
        none = np.zeros(0, np.intp)
        return none, none, np.zeros(0)
    values = scores[allowed]
    units = (scores - values.mean()) / max(float(values.std()), 1e-6)
    plan = balanced_plan(units, allowed, SOFTNESS)
    rows = np.flatnonzero(allowed.any(axis=1))
    partners = plan[rows].argmax(axis=1)
    return rows, partners, sureness(units, plan)[rows, partners]
