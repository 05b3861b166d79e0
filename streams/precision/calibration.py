"""How many partners are right, told without labels from samples that have another modality in common. Pure.

Those that bind them are asked who of the others goes with whom, as in a review; the other modality then says whether it
finds them alike. What emitted pairs are worth follows, as far as they were chosen alike.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from encoders.modality import ModalitySpec
from streams.history.table import SampleTable
from streams.precision.agreement_curve import MIN_QUERIES, AgreementCurve, PartnerLikeness, fitted_curve
from streams.precision.comparison import best_partners
from streams.precision.figures import Control, PrecisionEstimate
from streams.precision.kinds import places_of, shifts
from streams.precision.witnesses import Witness, echoes, farness, known_pairs, look_alikes, witnesses_of
from streams.similarity.sinkhorn import used_too_often

# A share of pairs, for what estimates are wrong by beside chance: pairs that are judged are not those emitted. This
# number and those below were chosen on four sets, with their labels, or by hand: `python -m benchmarks.reliability`.
SYSTEMATIC = 0.05
# The same for the interval that is told, so that it holds the truth in at least 90 % of streams: with 0.05 it did in 24
# of 29, those of `benchmarks.reliability` and `benchmarks.orders`, on which this was chosen.
DOUBT = 0.12
# Of a normal interval that holds 95 %. An estimate that is not known to so much is none.
WIDTH, MAX_RANGE = 1.96, 0.6
# One of so many candidates is there, where it is asked what partners are worth that were chosen among few.
FEW = (4, 16, 64)
# The weight of a modality of which nothing can be said.
UNKNOWN = 0.5


class Calibration(NamedTuple):
    """The estimate, and the curves behind it over sureness in standard deviations from the mean best partner.

    `by_kinds` is the share of right ones among best partners of samples with one set of modalities among those with
    another, by the codes of both.
    """

    estimate: PrecisionEstimate
    curves: tuple[AgreementCurve, ...] = ()
    by_kinds: Mapping[tuple[int, int], float] = {}

    def confidence(
        self, sureness: Float[np.ndarray, "n k"], kinds: Int[np.ndarray, "n 2"] | None = None
    ) -> Float[np.ndarray, "n k"] | None:
        """P(right) for partners `[n, k]`, the best first, which in the mean over the best is the estimate.

        Args:
            sureness: Of emitted pairs, see there; -inf for no partner. None where there is no estimate.
            kinds: Codes of the modalities of each sample and of its best partner: the mean is that of these kinds.
        """
        value = self.estimate.value
        best = sureness[:, 0][np.isfinite(sureness[:, 0])]
        if value is None or not len(best):
            return None
        units = (sureness - best.mean()) / max(float(best.std()), 1e-6)
        known = np.isfinite(units[:, 0])
        shift = np.full(len(units), shifts(self._right, units[known, 0], np.zeros(len(best), np.intp), [value])[0])
        if kinds is not None and self.by_kinds:
            group = np.where(known, places_of(kinds, list(self.by_kinds)), -1)
            own = group >= 0
            present, group = np.unique(group[own], return_inverse=True)
            wanted = np.array(list(self.by_kinds.values()))[present]
            shift[own] = shifts(self._right, units[own, 0], group, wanted)[group]
        return self._right(units + shift[:, None])

    def _right(self, units: np.ndarray) -> np.ndarray:
        total = np.zeros(units.shape)
        for curve in self.curves:
            total += curve.weight * (curve(np.maximum(units, -1e3)) - curve.chance)
        gain = sum(curve.weight * curve.gain for curve in self.curves)
        return np.clip(total / gain, 0, 1)


def calibrate(
    scores: Float[np.ndarray, "n n"],
    likeness: Float[np.ndarray, "n n"],
    witnesses: Sequence[Witness],
    sources: Int[np.ndarray, " n"],
    usable: Bool[np.ndarray, "n n"],
    codes: Int[np.ndarray, " n"] | None = None,
    most_uses: int | None = None,
) -> Calibration:
    """Estimates the share of right pairs among best partners.

    A pair is right with probability (P(agree | sureness) - chance) / (P(agree | right) - chance), where the first is a
    logistic curve through the pairs that are compared, and the second is told by `fitted_curve`. What is wrong may
    agree more often than chance, where the witness confounds what the shared modality does: then this is too high.

    Predicted and true, by descriptors and lag: UTD-MHAD in four rotations 89, 88, 91, 86 and 90, 92, 84, 93 %, with
    rotated sensors 72, 68, 78, 68 and 67, 66, 64, 69; watch recordings 83 and 76 in the mean of four halvings, MHEALTH
    81 and 86, MEx "unknown" in three of four. Its few numbers were chosen on these sets, with their labels.

    Args:
        scores: Of all pairs `[N, N]`, by what binds alone: no witness must have had a say in them.
        likeness: The same before look-alikes had their say, in units that are alike for all pairs.
        witnesses: Of the samples.
        sources: `[N]` codes.
        usable: The pairs `[N, N]` from which those to emit are chosen.
        codes: `[N]` of the samples' modalities; between each two of them something is said apart.
        most_uses: Of a partner, more are not emitted.
    """
    emitted = _emitted(scores, usable, codes, most_uses)
    curves = _curves(scores, likeness, witnesses, sources, emitted)
    n = sum(one.queries for one in curves)
    if not curves:
        return Calibration(PrecisionEstimate("unknown"))
    if not any(one.is_evident for one in curves):
        return Calibration(PrecisionEstimate("none", queries=n))
    gain = sum(one.weight * one.gain for one in curves)
    value = min(1.0, max(0.0, sum(one.weight * (one.agreement - one.chance) for one in curves) / gain))
    variance = sum(one.weight**2 * one.variance(value) for one in curves) / gain**2
    down = sum(one.weight * one.gain * one.down for one in curves) / gain
    up = sum(one.weight * one.gain * one.up for one in curves) / gain
    low, high = _interval(value, variance + SYSTEMATIC**2, down, up)
    if low <= 0:
        # Nothing right at all is as likely: no better than random pairs.
        return Calibration(PrecisionEstimate("none", queries=n))
    if high - low > MAX_RANGE:
        return Calibration(PrecisionEstimate("unknown", queries=n))
    estimate = PrecisionEstimate("estimated", value, *_interval(value, variance + DOUBT**2, down, up), n)
    right = np.stack([one.weight * (one.emitted - one.chance) for one in curves]).sum(axis=0) / gain
    by_kinds = {
        (own, other): float(np.clip(right[emitted.groups == group].mean(), 0, 1))
        for group, (own, other) in enumerate(emitted.kinds.tolist())
    }
    return Calibration(estimate, tuple(curves), by_kinds if codes is not None else {})


class _Emitted(NamedTuple):
    """Samples and their partners that are emitted, `kinds` `[g, 2]` of both, and each one's place among these."""

    rows: np.ndarray
    partners: np.ndarray
    kinds: np.ndarray
    groups: np.ndarray


def _emitted(scores: np.ndarray, usable: np.ndarray, codes: np.ndarray | None, most_uses: int | None) -> _Emitted:
    rows, partners, how_sure = best_partners(scores, usable)
    if most_uses is not None:
        is_emitted = ~used_too_often(partners, how_sure, most_uses)
        rows, partners = rows[is_emitted], partners[is_emitted]
    pairs = np.zeros((len(rows), 2), int) if codes is None else np.stack([codes[rows], codes[partners]], axis=1)
    kinds, groups = np.unique(pairs, axis=0, return_inverse=True)
    return _Emitted(rows, partners, kinds, groups.ravel())


def _curves(
    scores: np.ndarray, likeness: np.ndarray, witnesses: Sequence[Witness], sources: np.ndarray, emitted: _Emitted
) -> list[AgreementCurve]:
    """What each witness says; where some are evident, theirs alone."""
    allowed = known_pairs([one.likeness for one in witnesses], sources)
    rows, partners, sure = best_partners(scores, allowed)
    if len(rows) < MIN_QUERIES:
        return []
    units = (sure - sure.mean()) / max(float(sure.std()), 1e-6)
    few, own = _chosen_among_few(scores, allowed), look_alikes(scores, sources, rows)
    of_emitted = likeness[emitted.rows, emitted.partners]
    of_partners = PartnerLikeness(likeness[rows, partners], likeness[few], of_emitted, emitted.groups)
    found = []
    for view in (one.likeness for one in witnesses):
        alike = [farness(view, sources, rows, own), farness(view, sources, rows, echoes(view, sources, rows))]
        far, of_few = (farness(view, sources, *pairs) for pairs in ((rows, partners), few))
        found.append(fitted_curve(far, units, alike, of_partners, of_few))
    curves = [one for one in found if one is not None]
    return [one for one in curves if one.is_evident] or curves


def _chosen_among_few(scores: np.ndarray, allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and the best partner of each where only one of 4, of 16, of 64 candidates is there."""
    chosen = []
    for every in FEW:
        columns = np.random.default_rng(every).permutation(len(scores))[::every]
        possible = np.where(allowed[:, columns], scores[:, columns], -np.inf)
        rows = np.flatnonzero(np.isfinite(possible).any(axis=1))
        chosen.append((rows, columns[possible[rows].argmax(axis=1)]))
    rows, partners = (np.concatenate(each) for each in zip(*chosen, strict=True))
    return rows, partners


def _interval(value: float, variance: float, down: float, up: float) -> tuple[float, float]:
    """Of a share, by its variance and by how far it may be off either way beside that."""
    below, above = (float(np.sqrt(WIDTH**2 * variance + one**2)) for one in (down, up))
    return max(0.0, value - below), min(1.0, value + above)


def control_of(
    calibration: Calibration,
    cosines: Float[np.ndarray, "n n"],
    best: Int[np.ndarray, " n"],
    usable: Bool[np.ndarray, "n n"],
) -> Control:
    """What best partners have in common beside what all that were possible have, for a person to compare.

    Args:
        calibration: Of these pairs.
        cosines: Of all pairs.
        best: Each sample's best partner.
        usable: Which pairs are possible; a sample without any is left out.
    """
    asked = np.flatnonzero(usable.any(axis=1))
    if not len(asked):
        return Control()
    similarity, chance = float(cosines[asked, best[asked]].mean()), float(cosines[usable].mean())
    weights = [one.weight for one in calibration.curves]
    if not weights:
        return Control(similarity, chance)
    agree, random = (
        float(np.average(values, weights=weights))
        for values in ([one.agreement for one in calibration.curves], [one.chance for one in calibration.curves])
    )
    return Control(similarity, chance, agree, random)


def modality_weight(
    table: SampleTable, specs: Mapping[str, ModalitySpec], name: str, likeness: Float[np.ndarray, "n n"]
) -> float:
    """The weight, 0 to 1, of what a modality says: the estimated share of pairs that are right by it alone.

    All other modalities are its witnesses, those that bind too. One by which pairs agree no more than by chance has
    nothing to say.

    Args:
        table: The samples.
        specs: All modalities by name.
        name: The modality.
        likeness: By it `[n, n]`, of those that have it.
    """
    places = table.having(name)
    witnesses = [one.of(places) for one in witnesses_of(table, specs, {name})]
    sources = table.sources[places]
    said = calibrate(likeness, likeness, witnesses, sources, sources[:, None] != sources[None, :]).estimate
    if said.value is None:
        return 0.0 if said.state == "none" else UNKNOWN
    return said.value
