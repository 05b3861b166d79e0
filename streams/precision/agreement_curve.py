"""How often partners that one modality finds agree by another, over how sure it is of them. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from streams.precision.witnesses import EVIDENCE, Farness, are_near

# A partner agrees that is among the nearest tenth of its source, and the surest tenth of pairs is taken to be right.
# These numbers and those below were chosen on four sets, with their labels, or by hand; what comes of them is held
# against the truth by `python -m benchmarks.reliability`.
NEAREST_SHARE, SUREST_SHARE = 0.1, 0.1
# So many samples must have been compared before anything is said.
MIN_QUERIES = 100
# A slope that is steep: where the sureness of pairs, in standard deviations, says much.
STEEP = 0.3
# Weight of what pairs say that are alike anyway, where sureness says nothing.
ALIKE_WEIGHT = 0.3
# Keeps from dividing by 0.
MIN_GAIN = 1e-6
# Newton's method doubles the exact digits with each step; the penalty keeps the slope finite where pairs are separable.
NEWTON_STEPS, SLOPE_PENALTY = 12, 1.0


class AgreementCurve(NamedTuple):
    """P(agree) by one witness, logistic in the sureness of a pair.

    `agreement` is its mean over best partners, `right` that of right ones, `covariance` `[2, 2]` of these two. So far
    the share of right pairs may be off, `down` or `up`, since nobody knows which are right. `emitted` `[m]` is what is
    expected of each partner that is emitted, by how alike its group is: its mean is `agreement`.
    """

    intercept: float
    slope: float
    chance: float
    agreement: float
    right: float
    down: float
    up: float
    covariance: Float[np.ndarray, "2 2"]
    queries: int
    is_evident: bool
    emitted: Float[np.ndarray, " m"]

    def __call__(self, sureness: Float[np.ndarray, "*pairs"]) -> Float[np.ndarray, "*pairs"]:
        """P(agree) of pairs, from how sure each is in standard deviations."""
        return _sigmoid(self.intercept + self.slope * sureness)

    @property
    def gain(self) -> float:
        """How much more often than chance right ones agree."""
        return max(self.right - self.chance, MIN_GAIN)

    @property
    def weight(self) -> float:
        """How much this witness counts beside others: what was asked seldom, or seldom agrees, says little."""
        return self.queries * self.gain

    def variance(self, share: float) -> float:
        """The variance of the agreement less a share of that of right pairs, from how well both are known."""
        each = np.array([1, -share])
        return float(each @ self.covariance @ each)


class PartnerLikeness(NamedTuple):
    """That of partners that are `judged`, of such as were chosen among `few`, and of those `emitted`, in `groups`."""

    judged: Float[np.ndarray, " n"]
    few: Float[np.ndarray, " s"]
    emitted: Float[np.ndarray, " m"]
    groups: Int[np.ndarray, " m"]

    def lift(
        self,
        known: Bool[np.ndarray, " n"],
        agree: Bool[np.ndarray, " n_known"],
        few_known: Bool[np.ndarray, " s"],
        few_agree: Bool[np.ndarray, " s_known"],
    ) -> Float[np.ndarray, " m"]:
        """How much more often than those judged each group of those emitted is expected to agree.

        More candidates show as more likeness, and the best of all tell what that is worth. Where the right one is not
        there, it shows as less: then those tell it that were chosen among few, if they say less.
        """
        judged = self.judged[known]
        both = np.concatenate([judged, self.few[few_known]]), np.concatenate([agree, few_agree])
        lifts = [self._lift(judged, *each) for each in ((judged, agree), both)]
        lift = np.zeros(len(self.emitted))
        for group in np.unique(self.groups):
            of_group = self.groups == group
            lift[of_group] = min(float(one[of_group].mean()) for one in lifts)
        return lift

    def _lift(self, judged: np.ndarray, likeness: np.ndarray, agree: np.ndarray) -> np.ndarray:
        middle, units = judged.mean(), max(float(judged.std()), 1e-6)
        intercept, slope, _ = _logistic((likeness - middle) / units, agree.astype(float))
        here = _mean(intercept, slope, (judged - middle) / units)[0]
        return _sigmoid(intercept + slope * (self.emitted - middle) / units) - here


def fitted_curve(
    far: Farness,
    sureness: Float[np.ndarray, " n"],
    known_alike: Sequence[Farness],
    likeness: PartnerLikeness,
    far_of_few: Farness,
) -> AgreementCurve | None:
    """The one through best partners `[n]`, or None where too few are known.

    How often right ones agree is told in two ways. All of the surest are taken to be right, which they are not where
    sureness says little. And pairs that are alike anyway agree more often than others could. The first way counts more,
    the steeper the curve the more; between the two lies the doubt.

    Args:
        far: Of each, by the witness.
        sureness: Of each, in standard deviations.
        known_alike: Of pairs that are alike anyway; the first of them counts that agree more often than the surest.
        likeness: Says what more candidates are worth, or fewer.
        far_of_few: Of partners that were chosen among few.
    """
    known = ~np.isnan(far.nearer)
    if known.sum() < MIN_QUERIES:
        return None
    sureness, agree, chance = sureness[known], far.agree(NEAREST_SHARE)[known], far.chance(NEAREST_SHARE)
    intercept, slope, covariance = _logistic(sureness, agree.astype(float))
    surest = np.sort(sureness)[-max(1, round(SUREST_SHARE * len(sureness))) :]
    (agreement, gradient), (high, high_gradient) = (_mean(intercept, slope, part) for part in (sureness, surest))
    of_few = ~np.isnan(far_of_few.nearer)
    emitted = agreement + likeness.lift(known, agree, of_few, far_of_few.agree(NEAREST_SHARE)[of_few])
    agreement = float(emitted.mean()) if len(emitted) else agreement
    told = max(high - chance, MIN_GAIN)
    most = max(_most(high, known_alike) - chance, MIN_GAIN)
    trust = 1 - ALIKE_WEIGHT / (1 + (slope / STEEP) ** 2)
    gain = 1 / (trust / told + (1 - trust) / most)
    down, up = (
        max(agreement - chance, 0) * (one - other) for one, other in ((1 / gain, 1 / most), (1 / told, 1 / gain))
    )
    gradients = np.stack([gradient, trust * (gain / told) ** 2 * high_gradient])
    moments = gradients @ covariance @ gradients.T
    evident = high > chance and _is_evident(agree, far.nearer[known], sureness, chance)
    right, queries = chance + gain, len(sureness)
    return AgreementCurve(intercept, slope, chance, agreement, right, down, up, moments, queries, evident, emitted)


def _most(surest: float, known_alike: Sequence[Farness]) -> float:
    most = surest
    for one in known_alike:
        agree = one.agree(NEAREST_SHARE)[~np.isnan(one.nearer)]
        if most <= surest and len(agree) >= MIN_QUERIES:
            most = max(most, float(agree.mean()))
    return most


def _mean(intercept: float, slope: float, x: np.ndarray) -> tuple[float, np.ndarray]:
    """Of the curve over `x`, and how it changes with intercept and slope."""
    curve = _sigmoid(intercept + slope * x)
    steepness = curve * (1 - curve)
    return float(curve.mean()), np.array([steepness.mean(), (steepness * x).mean()])


def _is_evident(agree: np.ndarray, nearer: np.ndarray, sureness: np.ndarray, chance: float) -> bool:
    """Whether partners agree more often than chance, all of them or the surest, or are nearer than half of all."""
    surer = agree[np.argsort(-sureness, kind="stable")[: max(1, len(agree) // 5)]]
    for one in (agree, surer):
        if one.mean() - chance > EVIDENCE * np.sqrt(chance * (1 - chance) / len(one)):
            return True
    return are_near(nearer)


def _logistic(x: np.ndarray, y: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Intercept, slope, at least 0, and their covariance, of a logistic regression of `y` on `x`."""
    features = np.stack([np.ones(len(x)), x], axis=1)
    penalty = np.array([1e-3, SLOPE_PENALTY])
    rate = (y.sum() + 0.5) / (len(y) + 1)
    start = np.array([np.log(rate / (1 - rate)), 0.0])
    weights, hessian = start.copy(), np.eye(2)
    for _ in range(NEWTON_STEPS):
        curve = _sigmoid(features @ weights)
        hessian = features.T @ (features * (curve * (1 - curve) + 1e-6)[:, None]) + np.diag(penalty)
        step = np.linalg.solve(hessian, features.T @ (y - curve) - penalty * (weights - [start[0], 0]))
        weights = weights + np.clip(step, -2, 2)
    if weights[1] <= 0:
        weights = start
    return float(weights[0]), float(weights[1]), np.linalg.inv(hessian)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    result: np.ndarray = 1 / (1 + np.exp(-np.clip(x, -50, 50)))
    return result
