"""Asks the last samples again, all together, now that more of them are known. Performs no I/O, reads no clock.

A sample that came early found few others to be bound to. As the history grows, and when a new model says more, all
samples of a table are asked anew: every pair is compared, and partners are shared out among all who ask. What comes out
depends on the table and the model alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np

from encoders.modality import ModalitySpec
from streams.descriptor import MIN_SPECTRUM_STEPS, descriptor_of
from streams.generation import EncoderFunction
from streams.lag import lag_similarity
from streams.likeness import hub_corrected, smoothed, standardised
from streams.neighbourhood import BLOCK_ROWS
from streams.records import Partner, Sample
from streams.settings import BindingSettings
from streams.transport import spread_scores, unspread_scores

# A table that is not full is asked again once it has grown by this share, a full one once so much of it is new.
GROWTH, TURNOVER = 0.25, 0.5
# Scale of the scores, in standard deviations of chance, on which one partner is as good as another.
SOFTNESS = 0.4
# Weight of the shared modality's trained embedding beside its descriptor.
LEARNED_WEIGHT = 0.5

NS_PER_S = 1_000_000_000

Encoders: TypeAlias = Mapping[str, EncoderFunction]


class Asked(NamedTuple):
    """The partners that a sample has now, best first."""

    sample_id: str
    partners: tuple[Partner, ...]


@dataclass(slots=True, eq=False)
class _Row:
    sample: Sample
    partition: int
    described: np.ndarray | None = None
    embedded: dict[str, np.ndarray] = field(default_factory=dict)


class Review:
    """The last samples, and when to ask them again.

    Args:
        specs: All modalities by name.
        shared: The one that binds.
        settings: Its `review_samples` is the size of the table.
    """

    def __init__(self, specs: Mapping[str, ModalitySpec], shared: str, settings: BindingSettings) -> None:
        self._shared = shared
        self._settings = settings
        self._spec = specs[shared]
        self._descriptor = descriptor_of(self._spec, settings.descriptor)
        self._rows: list[_Row] = []
        self._n_taken = 0
        self._n_new = 0
        self.newest_s = 0
        self._encoders: Encoders = {}

    @property
    def is_due(self) -> bool:
        """Whether enough is new, at a counted row."""
        if self._n_taken % BLOCK_ROWS or not self._rows:
            return False
        is_full = len(self._rows) >= self._settings.review_samples
        return self._n_new >= max(BLOCK_ROWS, (TURNOVER if is_full else GROWTH) * len(self._rows))

    def take(self, samples: Iterable[Sample], partition: int = 0) -> None:
        """The next samples, each with a moving window of the shared modality; the oldest make room for them."""
        if not self._settings.review_samples:
            return
        new = [_Row(sample, partition) for sample in samples]
        self._rows += new
        self._n_taken += len(new)
        self._n_new += len(new)
        self.newest_s = max([self.newest_s, *(row.sample.start_ns // NS_PER_S for row in new)])
        del self._rows[: -self._settings.review_samples]

    def forget_partition(self, partition: int) -> None:
        """Its samples are nobody's partner from now on."""
        self._rows = [row for row in self._rows if row.partition != partition]

    def skip(self) -> None:
        """Notes that the table was asked, without asking."""
        self._n_new = 0

    def use(self, encoders: Encoders) -> None:
        """Asks with the trained encoders of a model from now on."""
        self._encoders = encoders
        for row in self._rows:
            row.embedded.clear()

    def ask(self) -> list[Asked]:
        """All samples of the table, in the order in which they came, each with its partners."""
        self._n_new = 0
        if len(self._rows) < 2:
            return []
        self._describe()
        rows, settings = self._rows, self._settings
        sources, kinds = _codes(row.sample.source_id for row in rows), _kinds([row.sample for row in rows])
        other = sources[:, None] != sources[None, :]
        usable = self._usable(kinds.codes, kinds.names, other)
        described = np.stack([row.described for row in rows if row.described is not None])
        cosines = described @ described.T
        usable &= cosines >= settings.min_similarity
        likeness = standardised(self._likeness(cosines, other), other)
        scores, cosines = self._with_model(likeness, cosines, other)
        if settings.smoothed:
            scores = smoothed(scores, likeness, sources, kinds.codes)
        scores = standardised(scores, usable)
        if settings.balanced:
            plan = spread_scores(scores, usable, SOFTNESS)
        else:
            crowded = hub_corrected(np.where(usable, scores, scores[usable].min(initial=0)))
            plan = unspread_scores(crowded if settings.hub_correction else scores, usable, SOFTNESS)
        return self._asked(plan, cosines)

    def _describe(self) -> None:
        new = [row for row in self._rows if row.described is None]
        if new:
            windows = np.stack([row.sample.windows[self._shared] for row in new]).astype(np.float32, copy=False)
            for row, vector in zip(new, self._descriptor(windows), strict=True):
                row.described = vector

    def _likeness(self, cosines: np.ndarray, among: np.ndarray) -> np.ndarray:
        if not self._settings.lag_tolerant or self._spec.n_steps < MIN_SPECTRUM_STEPS:
            return cosines
        lagged = lag_similarity(np.stack([row.sample.windows[self._shared] for row in self._rows]))
        both: np.ndarray = standardised(cosines, among) + standardised(lagged, among)
        return both

    def _with_model(
        self, likeness: np.ndarray, cosines: np.ndarray, among: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The likeness with what the trained encoders add, and the cosines to tell."""
        if self._shared not in self._encoders:
            return likeness, cosines
        share = np.float32(self._settings.learned_share)
        learned = self._embedded(self._shared)
        known = learned @ learned.T
        scores = likeness + np.float32(LEARNED_WEIGHT) * standardised(known, among)
        cosines = (1 - share) * cosines + share * known
        if self._settings.second_opinion:
            opinion = np.float32(self._settings.second_opinion) * self._second_opinion(among)
            scores = scores + opinion
        return scores, cosines

    def _second_opinion(self, among: np.ndarray) -> np.ndarray:
        """How well what is not shared goes together, by the trained encoders; 0 where nothing is known.

        Each modality is centred, since its embeddings lie together in a corner of the space (the modality gap).
        """
        fused = np.zeros((len(self._rows), 0), np.float32)
        for name in sorted(self._encoders):
            having = np.array([i for i, row in enumerate(self._rows) if name in row.sample.windows], np.intp)
            if name == self._shared or not len(having):
                continue
            embedded = self._embedded(name)
            if not fused.shape[1]:
                fused = np.zeros((len(self._rows), embedded.shape[1]), np.float32)
            fused[having] += _unit(embedded - embedded.mean(axis=0))
        fused = _unit(fused)
        known = np.any(fused != 0, axis=1)
        both = known[:, None] & known[None, :]
        opinion = standardised(fused @ fused.T, among & both)
        return np.where(both, opinion, np.float32(0))

    def _embedded(self, name: str) -> np.ndarray:
        """Rows of those that have the modality, each embedded once for a model."""
        having = [row for row in self._rows if name in row.sample.windows]
        new = [row for row in having if name not in row.embedded]
        if new:
            vectors = self._encoders[name](np.stack([row.sample.scaled(name) for row in new]))
            for row, vector in zip(new, vectors, strict=True):
                row.embedded[name] = vector
        return np.stack([row.embedded[name] for row in having])

    def _usable(self, kinds: np.ndarray, names: Sequence[frozenset[str]], other: np.ndarray) -> np.ndarray:
        """Pairs of different sources that bring a new pair of modalities; any of different sources for who has none."""
        rest = [one - {self._shared} for one in names]
        new = np.array([[bool(a) and bool(b) and len(a | b) > 1 for b in rest] for a in rest])
        fresh = other & new[kinds[:, None], kinds[None, :]]
        alone = ~fresh.any(axis=1)
        fresh[alone] = other[alone]
        return fresh

    def _asked(self, plan: np.ndarray, cosines: np.ndarray) -> list[Asked]:
        ids = [row.sample.sample_id for row in self._rows]
        order = np.argsort(-plan, axis=1, kind="stable")[:, : self._settings.partners]
        best = np.take_along_axis(plan, order, axis=1)
        shares = np.exp(best - np.where(np.isfinite(best[:, :1]), best[:, :1], 0))
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        similarities = np.take_along_axis(cosines, order, axis=1)
        numbers = zip(ids, order.tolist(), similarities.tolist(), shares.tolist(), strict=True)
        return [
            Asked(
                sample_id,
                tuple(
                    Partner(sample_id=ids[place], similarity=similarity, probability=share)
                    for place, similarity, share in zip(*found, strict=True)
                    if share > 0
                ),
            )
            for sample_id, *found in numbers
        ]


class _Kinds(NamedTuple):
    """Which modalities each sample has: `codes` into `names`."""

    codes: np.ndarray
    names: list[frozenset[str]]


def _kinds(samples: Sequence[Sample]) -> _Kinds:
    names = [frozenset(sample.windows) for sample in samples]
    return _Kinds(_codes(names), list(dict.fromkeys(names)))


def _codes(values: Iterable[object]) -> np.ndarray:
    known: dict[object, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values], np.int64)


def _unit(rows: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: np.ndarray = rows / np.maximum(length, 1e-9)
    return unit
