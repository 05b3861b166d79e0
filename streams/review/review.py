"""Asks the last samples again, all together, now that more of them are known. Performs no I/O, reads no clock.

A sample that came early found few others to be bound to. As the history grows, and when a new model says more, all
samples of a table are asked anew. READ `Review.next_round` FIRST. What comes out depends on the table and the model
alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float

from encoders.modality import ModalitySpec
from streams.arrival.neighbourhood import EFFECT_EVERY_ROWS
from streams.arrival.row_vectors import EncoderFunction
from streams.history.modality_sets import usable_pairs
from streams.history.table import SampleTable
from streams.precision.calibration import Calibration, best_comparison, calibrate, control_of, modality_weight, sureness
from streams.precision.figures import Control, PrecisionEstimate
from streams.precision.witnesses import Witness, witnesses_of
from streams.records import Partner, Sample
from streams.review.second_opinion import second_opinion
from streams.review.smoothing import smoothed
from streams.settings import BindingSettings, DescriptorKind
from streams.similarity.sinkhorn import balanced_plan, plan_row_by_row
from streams.similarity.standard_units import hub_corrected, largest, standardised
from streams.similarity.window_likeness import Comparison, WindowLikeness, window_likeness_of

# A table that is not full is asked again once it has grown by this share, a full one once so much of it is new.
# Chosen by hand; what asking again is worth: `python -m benchmarks.learning --ablation`.
GROWTH, TURNOVER = 0.25, 1.0
# Scale of the scores, in standard deviations of chance, on which one partner is as good as another. Chosen by hand.
SOFTNESS = 0.4
# Weight of the shared modality's trained embedding beside what needs no training. Chosen by hand.
LEARNED_WEIGHT = 0.5
NS_PER_S = 1_000_000_000

Encoders: TypeAlias = Mapping[str, EncoderFunction]
# From sample ids to their rows `[n, dim]`, NaN where one is not held.
Held: TypeAlias = Callable[[Sequence[str]], Float[np.ndarray, "n dim"]]


class Answer(NamedTuple):
    """The partners that a sample has now, best first."""

    sample_id: str
    partners: tuple[Partner, ...]


class ReviewRound(NamedTuple):
    """The answers of all who were asked together, and the round's number, larger than those before."""

    number: int
    answers: list[Answer]
    withholds: bool = False


class Review:
    """The last samples, and when to ask them again; `calibration` and `control` are what is said of the last round.

    Args:
        specs: All modalities by name.
        shared: Those that bind, the first of them on arrival too.
        settings: Its `review_samples` is the size of the table.
    """

    def __init__(self, specs: Mapping[str, ModalitySpec], shared: Sequence[str], settings: BindingSettings) -> None:
        self.calibration = Calibration(PrecisionEstimate("unknown"))
        self.control = Control()
        self._specs = specs
        self._comparisons: dict[str, Comparison] = {}
        self._newest_s = 0
        self._number = 0
        self._shared = tuple(shared)
        self._settings = settings
        self._window_likeness = {name: window_likeness_of(specs[name], settings.lag_tolerant) for name in self._shared}
        self._table = SampleTable(settings.review_samples)
        self._n_appended = 0
        self._n_new = 0
        self._encoders: Encoders = {}
        self._held: Held | None = None

    @property
    def is_due(self) -> bool:
        """Whether enough is new, at a counted row."""
        if self._n_appended % EFFECT_EVERY_ROWS or not len(self._table):
            return False
        share = TURNOVER if self._table.is_full else GROWTH
        return self._n_new >= max(EFFECT_EVERY_ROWS, share * len(self._table))

    @property
    def withholds(self) -> bool:
        """Whether binding is no better than none, as far as one can tell after a while."""
        return self.calibration.estimate.state == "none" and self._n_appended >= self._settings.withhold_after

    @property
    def descriptor(self) -> DescriptorKind:
        """The one that suits the first shared modality: the settings', or what the data say."""
        if self._settings.descriptor != "auto":
            return self._settings.descriptor
        return self._comparisons.get(self._shared[0], "oriented")

    def append(self, sample: Sample) -> None:
        """The next sample, with a window that moves of a shared modality; the oldest makes room for it."""
        self._table.append(sample)
        self._n_appended += 1
        self._n_new += 1
        self._newest_s = max(self._newest_s, sample.start_ns // NS_PER_S)

    def skip_round(self) -> None:
        """Waits for the next round as if this one had been held: what it would give is known already."""
        self._n_new = 0

    def use(self, encoders: Encoders, held: Held | None = None) -> None:
        """Asks with the trained encoders of a model from now on.

        Args:
            encoders: By modality.
            held: Where rows that the first shared modality's encoder made on arrival are to be had.
        """
        self._encoders, self._held = encoders, held
        self._table.forget_embeddings()

    def next_round(self) -> ReviewRound:
        """All samples of the table, in the order in which they came, each with its partners.

        1. How alike every two are by what they share, in units of chance; 2. what trained encoders add, those of other
        modalities too; 3. look-alikes of a sample have a say; 4. all of them share out the partners; 5. what modalities
        that bind nobody say of it.
        """
        self._n_new = 0
        # The stream's own time, so that numbers go on growing when another worker begins.
        self._number = max(self._number + 1, self._newest_s)
        if len(self._table) < 2:
            return ReviewRound(self._number, [])
        settings, sources, modality_sets = self._settings, self._table.sources, self._table.modality_sets
        usable = usable_pairs(modality_sets, sources, self._shared)
        among = sources[:, None] != sources[None, :]
        witnesses = witnesses_of(self._table, self._specs, self._shared) if settings.calibration else []
        likeness, cosines = self._alike(among, sources, witnesses)  # 1
        usable &= cosines >= settings.min_similarity
        scores, cosines = self._with_model(likeness, cosines, among)  # 2
        untrained = likeness
        if settings.smoothed:
            scores = smoothed(scores, likeness, sources, modality_sets.codes)  # 3
            untrained = (
                smoothed(likeness, likeness, sources, modality_sets.codes) if self._encoders and witnesses else scores
            )
        scores = standardised(scores, usable)
        if settings.balanced:
            plan = balanced_plan(scores, usable, SOFTNESS)  # 4
        else:
            crowded = hub_corrected(np.where(usable, scores, scores[usable].min(initial=0)))
            plan = plan_row_by_row(crowded if settings.hub_correction else scores, usable, SOFTNESS)
        order, best = largest(plan, settings.partners)
        if settings.calibration:
            self.calibration = calibrate(untrained, likeness, witnesses, sources, usable)  # 5
        self.control = control_of(self.calibration, cosines, order[:, 0], usable)
        confidence = None
        if self.calibration.curves:
            confidence = self.calibration.confidence(np.take_along_axis(sureness(scores, plan), order, axis=1))
        answers = self._answers(order, best, cosines, confidence)
        return ReviewRound(self._number, answers, self.withholds)

    def _alike(
        self, among: np.ndarray, sources: np.ndarray, witnesses: Sequence[Witness]
    ) -> tuple[np.ndarray, np.ndarray]:
        """How alike `[N, N]` by all shared modalities, in units of chance, and the cosines to tell."""
        likeness, cosines = np.zeros((2, *among.shape), np.float32)
        for name, window_likeness in self._window_likeness.items():
            places = self._table.having(name)
            if len(places) < 2:
                continue
            both = self._table.square(places)
            described = self._table.described(name, places, window_likeness.described)
            windows = self._table.windows(name, places)
            by_comparison = {
                one: window_likeness.likeness(described, windows, among[both], one)
                for one in self._possible(window_likeness, witnesses)
            }
            chosen = next(iter(by_comparison))
            if len(by_comparison) > 1:
                chosen = best_comparison(by_comparison, [one.of(places) for one in witnesses], sources[places])
            self._comparisons[name] = chosen
            weight = 1.0
            if len(self._shared) > 1 and self._settings.calibration:
                weight = modality_weight(self._table, self._specs, name, by_comparison[chosen])
            likeness[both] += np.float32(weight) * by_comparison[chosen]
            cosines[both] = np.maximum(cosines[both], window_likeness.cosines(described, chosen))
        return likeness, cosines

    def _possible(self, window_likeness: WindowLikeness, witnesses: Sequence[Witness]) -> tuple[Comparison, ...]:
        """How windows may be compared, the usual way first; without a witness there is no choice."""
        if not window_likeness.tolerates_rotation or self._settings.descriptor in ("oriented", "both"):
            return ("oriented",)
        if self._settings.descriptor == "rotation-tolerant":
            return ("rotation-tolerant",)
        return ("oriented", "rotation-tolerant") if witnesses else ("oriented",)

    def _with_model(
        self, likeness: np.ndarray, cosines: np.ndarray, among: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Likeness and cosines with what the trained encoders add."""
        scores, cosines, share = likeness.copy(), cosines.copy(), np.float32(self._settings.learned_share)
        known = [name for name in self._shared if name in self._encoders] if share else []
        if known and self._held is not None:
            self._table.adopt_embedded(self._shared[0], self._held)
        for name in known:
            places = self._table.having(name)
            if len(places) >= 2:
                both = self._table.square(places)
                rows = self._table.embedded(name, places, self._encoders)
                learned = rows @ rows.T
                scores[both] += np.float32(LEARNED_WEIGHT) * standardised(learned, among[both])
                cosines[both] = (1 - share) * cosines[both] + share * learned
        if self._encoders and self._settings.second_opinion:
            scores += np.float32(self._settings.second_opinion) * second_opinion(
                self._table, self._shared, self._encoders, among
            )
        return scores, cosines

    def _answers(
        self, order: np.ndarray, best: np.ndarray, cosines: np.ndarray, confidence: np.ndarray | None
    ) -> list[Answer]:
        ids = self._table.ids
        shares = np.exp(best - np.where(np.isfinite(best[:, :1]), best[:, :1], 0))
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        similarities = np.take_along_axis(cosines, order, axis=1)
        known = confidence.tolist() if confidence is not None else [[None] * order.shape[1]] * len(order)
        numbers = zip(ids, order.tolist(), similarities.tolist(), shares.tolist(), known, strict=True)
        return [Answer(sample_id, tuple(_partners(ids, *found))) for sample_id, *found in numbers]


def _partners(
    ids: Sequence[str],
    places: Sequence[int],
    similarities: Sequence[float],
    shares: Sequence[float],
    confidence: Sequence[float | None],
) -> Iterable[Partner]:
    for place, similarity, share, confident in zip(places, similarities, shares, confidence, strict=True):
        if share > 0:
            yield Partner(sample_id=ids[place], similarity=similarity, probability=share, confidence=confident)
