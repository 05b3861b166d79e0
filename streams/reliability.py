"""From agreement to the probability that a pair is right. Pure."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from streams.agreement import Agreements

# The share of pairs that are taken to be right: the surest ones.
SUREST_SHARE = 0.2
# So many queries must have been compared before anything is said.
MIN_QUERIES = 100
# Standard errors that agreement must be above chance by.
EVIDENCE = 3.0
# Of a normal interval that holds 95 %. An estimate that is not known to so much is none.
WIDTH, MAX_WIDTH = 1.96, 0.3
N_BINS, N_STEPS, NEWTON_STEPS = 64, 256, 8
# Pulls a slope towards none, in pairs.
SLOPE_PENALTY = 1.0


State: TypeAlias = Literal["estimated", "none", "unknown"]


@dataclass(frozen=True, slots=True)
class PrecisionEstimate:
    """The share of right best partners, `value` in `low`..`high` (95 %), from so many `queries`.

    "unknown": no two sources have another modality in common, too few samples came yet, or the other modality says too
    little. "none": partners agree no more than chance, so that binding is no better than none or cannot be judged.
    """

    state: State
    value: float | None = None
    low: float | None = None
    high: float | None = None
    queries: int = 0


class Fit(NamedTuple):
    """What one modality says.

    `chance`, `agreement` of the pairs that would be emitted, `surest` agreement of the surest of them, and P(right) at
    `values` of the score `edges`; `variance` of the mean P(right) and how many `queries` it is from.
    """

    chance: float
    agreement: float
    surest: float
    edges: np.ndarray
    values: np.ndarray
    variance: float
    queries: int
    is_evident: bool

    @property
    def weight(self) -> float:
        """Against other modalities: what is seldom seen to agree says little."""
        return self.queries * max(self.surest - self.chance, 1e-6) ** 2


def fit(pairs: Agreements, emitted: np.ndarray) -> Fit | None:
    """P(right) as a never falling function of the score; None while there is too little to say anything.

    A pair is right with probability (P(agree | score) - chance) / (surest - chance), where P(agree | score) is a
    logistic curve through all pairs compared. The pairs compared have fewer candidates than those emitted, whose
    partners may have any modalities: so the curve is read at the scores of those emitted. That corrects for the size of
    the history, since a larger one shows as higher scores.

    Args:
        pairs: Compared lately.
        emitted: Scores of the best partners lately emitted.
    """
    best = pairs.rank == 1
    n = int(best.sum())
    if n < MIN_QUERIES or not len(emitted):
        return None
    chance = float(pairs.chance.mean())
    intercept, slope = _logistic(pairs.scores, pairs.agree)
    emitted = np.sort(emitted)
    curve = _sigmoid(intercept + slope * emitted)
    agreement = float(curve.mean())
    n_surest = max(1, round(SUREST_SHARE * len(emitted)))
    surest = float(curve[-n_surest:].mean())
    edges = np.linspace(emitted[0], emitted[-1], N_STEPS + 1)[1:-1]
    at = np.linspace(emitted[0], emitted[-1], N_STEPS)[: len(edges) + 1]
    gain = max(surest - chance, 1e-6)
    values = np.clip((_sigmoid(intercept + slope * at) - chance) / gain, 0, 1)
    share = min(1.0, max(0.0, (agreement - chance) / gain))
    variance = (agreement * (1 - agreement) + share**2 * surest * (1 - surest) / SUREST_SHARE) / n / gain**2
    evident = surest > chance and _is_evident(Agreements(*(value[best] for value in pairs)), chance)
    return Fit(chance, agreement, surest, edges, values, variance, n, evident)


def probability(fits: list[Fit], scores: np.ndarray) -> np.ndarray:
    """P(right) at these scores: the mean over modalities by their weight."""
    total = np.zeros(scores.shape)
    for one in fits:
        # A step function, since an interpolated value may depend in its last bits on how many are asked for at once.
        total += one.weight * one.values[np.searchsorted(one.edges, scores)]
    result: np.ndarray = total / sum(one.weight for one in fits)
    return result


def estimated(fits: list[Fit], emitted: np.ndarray) -> PrecisionEstimate:
    """The share of right pairs among those emitted with these scores, as far as it can be told."""
    n = sum(one.queries for one in fits)
    if not fits:
        return PrecisionEstimate("unknown")
    if not any(one.is_evident for one in fits):
        return PrecisionEstimate("none", queries=n)
    value = float(probability(fits, emitted).mean())
    weights = np.array([one.weight for one in fits])
    variances = np.array([one.variance for one in fits])
    width = WIDTH * float(np.sqrt(weights**2 @ variances) / weights.sum())
    if width > MAX_WIDTH:
        return PrecisionEstimate("unknown", queries=n)
    return PrecisionEstimate("estimated", value, max(0.0, value - width), min(1.0, value + width), n)


def _is_evident(best: Agreements, chance: float) -> bool:
    """Whether best partners agree more often than chance, all of them or the surest, or are nearer than half of all."""
    n = len(best.scores)
    surest = np.argsort(-best.scores, kind="stable")[: max(1, round(SUREST_SHARE * n))]
    for agree in (best.agree, best.agree[surest]):
        if agree.mean() - chance > EVIDENCE * np.sqrt(chance * (1 - chance) / len(agree)):
            return True
    return bool(0.5 - best.farness.mean() > EVIDENCE * np.sqrt(1 / 12 / n))


def _logistic(scores: np.ndarray, agree: np.ndarray) -> tuple[float, float]:
    """Intercept and slope, at least 0, of a logistic regression on equally filled bins of the scores."""
    order = np.argsort(scores, kind="stable")
    starts = np.unique(np.linspace(0, len(order), N_BINS + 1)[:-1].astype(np.intp))
    counts = np.diff([*starts, len(order)]).astype(float)
    x = np.add.reduceat(scores[order], starts) / counts
    hits = np.add.reduceat(agree[order].astype(float), starts)
    center, spread = float(scores.mean()), float(scores.std()) + 1e-6
    z = (x - center) / spread
    rate = (hits.sum() + 0.5) / (counts.sum() + 1)
    start = np.array([np.log(rate / (1 - rate)), 0.0])
    weights, penalty = start.copy(), np.array([1e-3, SLOPE_PENALTY])
    for _ in range(NEWTON_STEPS):
        curve = _sigmoid(weights[0] + weights[1] * z)
        slack = counts * curve * (1 - curve) + 1e-6
        hessian = np.array([[slack.sum(), slack @ z], [slack @ z, slack @ z**2]]) + np.diag(penalty)
        error = hits - counts * curve
        step = np.linalg.solve(hessian, np.array([error.sum(), error @ z]) - penalty * weights)
        weights += np.clip(step, -2, 2)
    if weights[1] <= 0:
        weights = start
    return float(weights[0] - weights[1] * center / spread), float(weights[1] / spread)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    result: np.ndarray = 1 / (1 + np.exp(-np.clip(x, -50, 50)))
    return result
