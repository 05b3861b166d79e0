"""Asks the last samples again, all together, now that more of them are known. Performs no I/O, reads no clock.

A sample that came early found few others to be bound to. As the history grows, and when a new model says more, all
samples of a table are asked anew. READ `Review.ask` FIRST. What comes out depends on the table and the model alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from encoders.modality import ModalitySpec
from streams.evidence import Evidence, Mounting
from streams.generation import EncoderFunction
from streams.kinds import usable_pairs
from streams.likeness import hub_corrected, smoothed, standardised
from streams.neighbourhood import BLOCK_ROWS
from streams.records import Partner, Sample
from streams.settings import BindingSettings
from streams.table import Table
from streams.transport import spread_scores, unspread_scores

# A table that is not full is asked again once it has grown by this share, a full one once so much of it is new.
GROWTH, TURNOVER = 0.25, 0.5
# Scale of the scores, in standard deviations of chance, on which one partner is as good as another.
SOFTNESS = 0.4
# Weight of the shared modality's trained embedding beside what needs no training.
LEARNED_WEIGHT = 0.5
NS_PER_S = 1_000_000_000

Encoders: TypeAlias = Mapping[str, EncoderFunction]


class Asked(NamedTuple):
    """The partners that a sample has now, best first."""

    sample_id: str
    partners: tuple[Partner, ...]


class Round(NamedTuple):
    """All who were asked together, and the round's number, larger than those before."""

    number: int
    asked: list[Asked]


class Review:
    """The last samples, and when to ask them again.

    Args:
        specs: All modalities by name.
        shared: Those that bind, the first of them on arrival too.
        settings: Its `review_samples` is the size of the table.
    """

    def __init__(self, specs: Mapping[str, ModalitySpec], shared: Sequence[str], settings: BindingSettings) -> None:
        self._newest_s = 0
        self._number = 0
        self._shared = tuple(shared)
        self._settings = settings
        self._evidence = {name: Evidence(specs[name], settings.lag_tolerant) for name in self._shared}
        self._table = Table(settings.review_samples)
        self._n_taken = 0
        self._n_new = 0
        self._encoders: Encoders = {}

    @property
    def is_due(self) -> bool:
        """Whether enough is new, at a counted row."""
        if self._n_taken % BLOCK_ROWS or not len(self._table):
            return False
        share = TURNOVER if self._table.is_full else GROWTH
        return self._n_new >= max(BLOCK_ROWS, share * len(self._table))

    def take(self, sample: Sample, partition: int = 0) -> None:
        """The next sample, with a window that moves of a shared modality; the oldest makes room for it."""
        self._table.take(sample, partition)
        self._n_taken += 1
        self._n_new += 1
        self._newest_s = max(self._newest_s, sample.start_ns // NS_PER_S)

    def forget_partition(self, partition: int) -> None:
        """Its samples are nobody's partner from now on."""
        self._table.forget_partition(partition)

    def skip(self) -> None:
        """Notes that the table was asked, without asking."""
        self._n_new = 0

    def use(self, encoders: Encoders) -> None:
        """Asks with the trained encoders of a model from now on."""
        self._encoders = encoders
        self._table.forget_embeddings()

    def ask(self) -> Round:
        """All samples of the table, in the order in which they came, each with its partners.

        1. How alike every two are by what they share, in units of chance; 2. what trained encoders add, those of other
        modalities too; 3. look-alikes of a sample have a say; 4. all of them share out the partners.
        """
        self._n_new = 0
        # The stream's own time, so that numbers go on growing when another worker begins.
        self._number = max(self._number + 1, self._newest_s)
        if len(self._table) < 2:
            return Round(self._number, [])
        settings, sources, kinds = self._settings, self._table.sources, self._table.kinds
        usable = usable_pairs(kinds, sources, self._shared)
        among = sources[:, None] != sources[None, :]
        likeness, cosines = self._alike(among)  # 1
        usable &= cosines >= settings.min_similarity
        scores, cosines = self._with_model(likeness, cosines, among)  # 2
        if settings.smoothed:
            scores = smoothed(scores, likeness, sources, kinds.codes)  # 3
        scores = standardised(scores, usable)
        if settings.balanced:
            plan = spread_scores(scores, usable, SOFTNESS)  # 4
        else:
            crowded = hub_corrected(np.where(usable, scores, scores[usable].min(initial=0)))
            plan = unspread_scores(crowded if settings.hub_correction else scores, usable, SOFTNESS)
        return Round(self._number, self._asked(plan, cosines))

    def _alike(self, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How alike `[N, N]` by all shared modalities, in units of chance, and the cosines to tell."""
        likeness, cosines = np.zeros((2, *among.shape), np.float32)
        for name, evidence in self._evidence.items():
            places = self._table.having(name)
            if len(places) < 2:
                continue
            both = np.ix_(places, places)
            described = self._table.described(name, places, evidence.described)
            windows, mounting = self._table.windows(name, places), self._mounting(name)
            likeness[both] += evidence.likeness(described, windows, among[both], mounting)
            cosines[both] = np.maximum(cosines[both], evidence.cosines(described, mounting))
        return likeness, cosines

    def _mounting(self, name: str) -> Mounting:
        return "any" if self._settings.descriptor == "rotation-tolerant" else "alike"

    def _with_model(
        self, likeness: np.ndarray, cosines: np.ndarray, among: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Likeness and cosines with what the trained encoders add."""
        scores, cosines, share = likeness.copy(), cosines.copy(), np.float32(self._settings.learned_share)
        known = [name for name in self._shared if name in self._encoders]
        for name in known:
            places = self._table.having(name)
            if len(places) >= 2:
                both = np.ix_(places, places)
                rows = self._table.embedded(name, places, self._encoders)
                learned = rows @ rows.T
                scores[both] += np.float32(LEARNED_WEIGHT) * standardised(learned, among[both])
                cosines[both] = (1 - share) * cosines[both] + share * learned
        if known and self._settings.second_opinion:
            scores += np.float32(self._settings.second_opinion) * self._second_opinion(among)
        return scores, cosines

    def _second_opinion(self, among: np.ndarray) -> np.ndarray:
        """How well what is not shared goes together, by the trained encoders; 0 where nothing is known.

        Each modality is centred, since its embeddings lie together in a corner of the space (the modality gap).
        """
        fused: np.ndarray | None = None
        for name in sorted(self._encoders):
            places = self._table.having(name)
            if name in self._shared or not len(places):
                continue
            embedded = self._table.embedded(name, places, self._encoders)
            if fused is None:
                fused = np.zeros((len(among), embedded.shape[1]), np.float32)
            fused[places] += _unit(embedded - embedded.mean(axis=0))
        if fused is None:
            return np.zeros(among.shape, np.float32)
        fused = _unit(fused)
        known = np.any(fused != 0, axis=1)
        both = known[:, None] & known[None, :]
        opinion: np.ndarray = np.where(both, standardised(fused @ fused.T, among & both), np.float32(0))
        return opinion

    def _asked(self, plan: np.ndarray, cosines: np.ndarray) -> list[Asked]:
        ids = self._table.ids
        order = np.argsort(-plan, axis=1, kind="stable")[:, : self._settings.partners]
        best = np.take_along_axis(plan, order, axis=1)
        shares = np.exp(best - np.where(np.isfinite(best[:, :1]), best[:, :1], 0))
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        similarities = np.take_along_axis(cosines, order, axis=1)
        numbers = zip(ids, order.tolist(), similarities.tolist(), shares.tolist(), strict=True)
        return [Asked(sample_id, tuple(_partners(ids, *found))) for sample_id, *found in numbers]


def _partners(
    ids: Sequence[str], places: Sequence[int], similarities: Sequence[float], shares: Sequence[float]
) -> Iterable[Partner]:
    for place, similarity, share in zip(places, similarities, shares, strict=True):
        if share > 0:
            yield Partner(sample_id=ids[place], similarity=similarity, probability=share)


def _unit(rows: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: np.ndarray = rows / np.maximum(length, 1e-9)
    return unit
