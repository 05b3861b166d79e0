"""Who goes with whom, asked of all samples of a table together. Performs no I/O, reads no clock, keeps no samples."""

import copy
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from encoders.modality import ModalitySpec
from streams.arrival.row_vectors import EncoderFunction
from streams.history.modality_sets import ModalitySets, usable_pairs
from streams.history.table import SampleTable
from streams.precision.calibration import Calibration, calibrate, control_of, modality_weight
from streams.precision.comparison import SOFTNESS, best_comparison, sureness
from streams.precision.figures import Control, PrecisionEstimate
from streams.precision.witnesses import Witness, witnesses_of
from streams.records import Partner
from streams.review.second_opinion import second_opinion
from streams.review.smoothing import smoothed
from streams.settings import BindingSettings
from streams.similarity.sinkhorn import balanced_plan, plan_row_by_row, used_too_often
from streams.similarity.standard_units import hub_corrected, largest, standardised
from streams.similarity.window_likeness import Comparison, window_likeness_of

# Weight of the shared modality's trained embedding beside what needs no training. Chosen by hand.
LEARNED_WEIGHT = 0.5
# Less than any cosine: of samples that no modality binds.
NOTHING_IN_COMMON = -2.0

Encoders: TypeAlias = Mapping[str, EncoderFunction]


class Found(NamedTuple):
    """For each sample of a table its best partners' places, `[n, k]`: cosines, shares (0: none) and confidence."""

    places: np.ndarray
    similarities: np.ndarray
    shares: np.ndarray
    confidence: np.ndarray | None

    def partners(self, place: int, ids: Sequence[str]) -> tuple[Partner, ...]:
        """Those of one sample that have a share, by their ids."""
        numbers = zip(
            ids,
            self.similarities[place, : len(ids)].tolist(),
            self.shares[place, : len(ids)].tolist(),
            [None] * len(ids) if self.confidence is None else self.confidence[place, : len(ids)].tolist(),
            strict=True,
        )
        return tuple(
            Partner(sample_id=sample_id, similarity=cosine, probability=share, confidence=confident)
            for sample_id, cosine, share, confident in numbers
        )


class Question:
    """How a table is asked; `calibration` and `control` are what is said of the last one that was judged.

    `weights` are those of what several modalities that bind say, 0 where one is no better than chance.

    Args:
        specs: All modalities by name.
        shared: Those that bind, the first of them on arrival too.
        settings: Of binding.
        sets: Of the samples' modalities.
    """

    def __init__(
        self, specs: Mapping[str, ModalitySpec], shared: Sequence[str], settings: BindingSettings, sets: ModalitySets
    ) -> None:
        self.calibration = Calibration(PrecisionEstimate("unknown"))
        self.control = Control()
        self.comparisons: dict[str, Comparison] = {}
        self.weights: dict[str, float] = {}
        self._specs, self._shared, self._settings, self._sets = specs, tuple(shared), settings, sets
        self._window_likeness = {name: window_likeness_of(specs[name], settings.lag_tolerant) for name in self._shared}

    def copy(self) -> "Question":
        """Another one that says the same, until it is asked."""
        other = copy.copy(self)
        other.comparisons, other.weights = dict(self.comparisons), dict(self.weights)
        return other

    def answer(
        self,
        table: SampleTable,
        codes: np.ndarray,
        encoders: Encoders,
        judged: bool,
    ) -> Found:
        """The partners of all samples of a table.

        1. How alike every two are by what they share, in units of chance; 2. what trained encoders add, those of other
        modalities too; 3. look-alikes of a sample have a say; 4. all of them share out the partners; 5. what modalities
        that bind nobody say of it.

        Args:
            table: At least two samples.
            codes: `[N]` of their modalities, in the sets.
            encoders: Of a model.
            judged: Whether the estimate and how sensors are compared are made anew.
        """
        settings, sources, most = self._settings, table.sources, self._settings.most_uses
        usable = usable_pairs(self._sets, codes, sources)
        among = sources[:, None] != sources[None, :]
        witnesses = witnesses_of(table, self._specs, self._shared) if settings.calibration and judged else []
        likeness, cosines = self._alike(table, among, sources, witnesses, judged)  # 1
        usable &= cosines >= settings.min_similarity
        scores, cosines = self._with_model(table, likeness, cosines, among, encoders)  # 2
        untrained = likeness
        if settings.smoothed:
            scores = smoothed(scores, likeness, sources, codes)  # 3
            untrained = smoothed(likeness, likeness, sources, codes) if encoders and witnesses else scores
        scores = standardised(scores, usable)
        plan = self._plan(scores, usable)  # 4
        order, best = largest(plan, settings.partners)
        crowded = used_too_often(order[:, 0], _of_best(scores, order, best), most)
        best[crowded & ~table.bring_new] = -np.inf  # who has such a partner must not lose it
        if settings.calibration and judged:
            self.calibration = calibrate(untrained, likeness, witnesses, sources, usable, codes, most)  # 5
        if judged:
            self.control = control_of(self.calibration, cosines, order[:, 0], usable)
        confidence = None
        if self.calibration.curves:
            sure = np.take_along_axis(sureness(scores, plan), order, axis=1)
            confidence = self.calibration.confidence(sure, np.stack([codes, codes[order[:, 0]]], axis=1))
        shares = np.exp(best - np.where(np.isfinite(best[:, :1]), best[:, :1], 0))
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return Found(order, np.take_along_axis(cosines, order, axis=1), shares, confidence)

    def _plan(self, scores: np.ndarray, usable: np.ndarray) -> np.ndarray:
        if self._settings.balanced:
            return balanced_plan(scores, usable, SOFTNESS)
        crowded = hub_corrected(np.where(usable, scores, scores[usable].min(initial=0)))
        return plan_row_by_row(crowded if self._settings.hub_correction else scores, usable, SOFTNESS)

    def _alike(
        self, table: SampleTable, among: np.ndarray, sources: np.ndarray, witnesses: Sequence[Witness], judged: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """How alike `[N, N]` by all shared modalities, in units of chance, and the cosines to tell."""
        likeness, cosines = np.zeros(among.shape, np.float32), np.full(among.shape, NOTHING_IN_COMMON, np.float32)
        for name, window_likeness in self._window_likeness.items():
            places = table.having(name)
            if len(places) < 2:
                continue
            both = table.square(places)
            described = table.described(name, places, window_likeness.described)
            by_comparison = {
                one: window_likeness.likeness(described, among[both], one)
                for one in self._possible(name, witnesses, judged)
            }
            chosen = next(iter(by_comparison))
            if len(by_comparison) > 1:
                chosen = best_comparison(by_comparison, [one.of(places) for one in witnesses], sources[places])
            self.comparisons[name] = chosen
            if judged and len(self._shared) > 1 and self._settings.calibration:
                self.weights[name] = modality_weight(table, self._specs, name, by_comparison[chosen])
            weight = self.weights.get(name, 1.0)
            if not weight:
                continue
            likeness[both] += np.float32(weight) * by_comparison[chosen]
            found = np.maximum(window_likeness.cosines(described, chosen), 0)
            cosines[both] = np.maximum(cosines[both], found)
        return likeness, cosines

    def _possible(self, name: str, witnesses: Sequence[Witness], judged: bool) -> tuple[Comparison, ...]:
        """How windows may be compared, the usual way first; without a witness there is no choice."""
        if not self._window_likeness[name].tolerates_rotation or self._settings.descriptor in ("oriented", "both"):
            return ("oriented",)
        if self._settings.descriptor == "rotation-tolerant":
            return ("rotation-tolerant",)
        if not judged:
            return (self.comparisons.get(name, "oriented"),)
        return ("oriented", "rotation-tolerant") if witnesses else ("oriented",)

    def _with_model(
        self,
        table: SampleTable,
        likeness: np.ndarray,
        cosines: np.ndarray,
        among: np.ndarray,
        encoders: Encoders,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Likeness and cosines with what the trained encoders add."""
        scores, cosines, share = likeness.copy(), cosines.copy(), np.float32(self._settings.learned_share)
        heard = [name for name in self._shared if self.weights.get(name, 1.0)]
        known = [name for name in heard if name in encoders] if share else []
        for name in known:
            places = table.having_embedded(name)
            if len(places) >= 2:
                both = table.square(places)
                rows = table.embedded(name, places, encoders)
                learned = rows @ rows.T
                scores[both] += np.float32(LEARNED_WEIGHT) * standardised(learned, among[both])
                cosines[both] = (1 - share) * cosines[both] + share * learned
        if self._settings.second_opinion and not encoders.keys() <= {*self._shared}:
            opinion = second_opinion(table, self._shared, encoders, among)
            scores += np.float32(self._settings.second_opinion) * opinion
        return scores, cosines


def _of_best(scores: np.ndarray, order: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Each row's score with its best partner; -inf where it has none."""
    score: np.ndarray = np.where(np.isfinite(best[:, 0]), scores[np.arange(len(order)), order[:, 0]], -np.inf)
    return score
