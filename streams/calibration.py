"""How often binding is right, told without labels from the stream itself. Performs no I/O and reads no clock.

A sample that was bound through the shared modality to one that has another modality in common with it can be checked:
does that other modality agree? Nothing that is emitted or trained depends on the answer but the confidence of pairs,
and whether they are withheld.

The law holds: samples are compared in blocks of 64 rows, and what is said of pairs changes where a block ends.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from encoders.modality import ModalitySpec
from streams.agreement import REMEMBERED_ROWS, Agreements, OtherModality, joined
from streams.descriptor import can_turn
from streams.neighbourhood import BLOCK_ROWS
from streams.product import padded
from streams.records import Sample
from streams.reliability import Fit, PrecisionEstimate, estimated, fit, probability
from streams.scoring import Assignment, Candidates
from streams.settings import DescriptorKind

# Blocks of pairs compared and partners emitted that an estimate is made of, the last ones.
LAST_BLOCKS, LAST_EMITTED = 64, 2048
# After so many queries a new generation of which nothing can be said is "unknown".
PATIENCE = 1000
# The estimate is made anew after each of the first blocks of a generation, then after every fourth.
EAGER_BLOCKS, JUDGED_EVERY = 16, 4
# Scores that are higher than a few times this tell right from wrong no better.
SATURATION = np.float32(2)
# A sample has at most so many other modalities compared: each costs a descriptor.
MAX_OTHERS = 3

# Cosines of rows `[n]` with rows `[n]` in the generation that binds; NaN where one is not held.
Similarity: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Control(NamedTuple):
    """Best partners beside random rows of other sources, which are scored and never emitted; NaN where unknown.

    `similarity` and `random_similarity` are mean cosines; `agreement` and `chance` the shares that agree.
    """

    similarity: float
    random_similarity: float
    agreement: float
    chance: float

    @property
    def margin(self) -> float:
        """How much more similar the best partners are."""
        return self.similarity - self.random_similarity


class _Piece(NamedTuple):
    samples: Sequence[Sample]
    rows: np.ndarray
    scores: np.ndarray
    best: np.ndarray


class Calibration:
    """Follows what is bound, compares it and estimates.

    Args:
        specs: All modalities by name.
        shared: The one that binds.
        hub_correction: As in the binding settings.
        seed: Of what is drawn to compare with.
        descriptor: As in the binding settings, for the other modalities that it suits: who turns one sensor turns all.
        withhold_after: As in the binding settings: the beginning of a stream, where all may do the same, shows little.
    """

    def __init__(
        self,
        specs: Mapping[str, ModalitySpec],
        shared: str,
        hub_correction: float,
        seed: int = 0,
        descriptor: DescriptorKind = "oriented",
        withhold_after: int = 1000,
    ) -> None:
        self.estimate = PrecisionEstimate("unknown")
        self._specs = {name: spec for name, spec in specs.items() if name != shared}
        # With the whole correction scores fall as the history fills up, with none they tell less.
        self._strength = np.float32(hub_correction / 2)
        self._seed = seed
        self._descriptor = descriptor
        self._withhold_after = withhold_after
        self._n_rows = 0
        self._codes: dict[str, int] = {}
        self._sources = np.full(REMEMBERED_ROWS, -1, np.int64)
        self._others: dict[str, OtherModality] = {}
        self._blocks: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._pairs: dict[str, dict[int, Agreements]] = {}
        self._emitted = np.zeros(0)
        self._similarities = np.zeros((0, 2))
        self._pending: list[_Piece] = []
        self._fits: list[Fit] = []
        self._is_outdated = False

    @property
    def withholds(self) -> bool:
        """Whether binding is no better than none, as far as one can tell after a while."""
        return self.estimate.state == "none" and self.estimate.queries >= self._withhold_after

    @property
    def control(self) -> Control:
        """Of the last partners."""
        known = self._similarities
        similarity, random_similarity = known.mean(axis=0).tolist() if len(known) else (np.nan, np.nan)
        weights = [one.weight for one in self._fits]
        agreement, chance = (
            (float(np.average(values, weights=weights)) if weights else np.nan)
            for values in ([one.agreement for one in self._fits], [one.chance for one in self._fits])
        )
        return Control(similarity, random_similarity, agreement, chance)

    def observe(
        self,
        samples: Sequence[Sample],
        candidates: Candidates,
        assignment: Assignment,
        similarity: Similarity | None = None,
    ) -> np.ndarray | None:
        """Takes the next rows, which lie in one block of 64.

        Args:
            samples: Theirs.
            candidates: What was found for them.
            assignment: Their partners.
            similarity: For the running control.

        Returns:
            The probability `[n, k]` that each partner of the assignment is right, or None where there is no estimate.
        """
        scores = corrected(candidates, self._strength)
        place = (assignment.rows[:, :, None] == candidates.rows[:, None, :]).argmax(axis=2)
        partner_scores = np.take_along_axis(scores, place, axis=1)
        known = self.estimate.state == "estimated" and not self._is_outdated
        confidence = probability(self._fits, partner_scores) if known else None
        best = np.where(
            assignment.rows[:, :1] >= 0, np.stack([partner_scores[:, 0], assignment.similarities[:, 0]], 1), np.nan
        )
        self._pending.append(_Piece(samples, candidates.rows, scores, best))
        self._n_rows += len(samples)
        if self._n_rows % BLOCK_ROWS == 0:
            self._close_block(similarity)
        return confidence

    def restart(self) -> None:
        """Another generation binds from now on, whose scores are on another scale: it is judged by its own pairs."""
        self._pending = [
            piece._replace(rows=np.full_like(piece.rows, -1), best=np.full_like(piece.best, np.nan))
            for piece in self._pending
        ]
        self._blocks, self._pairs, self._fits = {}, {}, []
        self._emitted, self._similarities = np.zeros(0), np.zeros((0, 2))
        self._is_outdated = True

    def _close_block(self, similarity: Similarity | None) -> None:
        first = self._n_rows - BLOCK_ROWS
        samples = [sample for piece in self._pending for sample in piece.samples]
        rows, scores, best = (np.concatenate([piece[i] for piece in self._pending]) for i in (1, 2, 3))
        self._pending.clear()
        rng = np.random.default_rng((self._seed, first))
        codes = np.array([self._codes.setdefault(one.source_id, len(self._codes)) for one in samples])
        self._sources[np.arange(first, self._n_rows) % REMEMBERED_ROWS] = codes
        order = np.argsort(-scores, axis=1, kind="stable")
        self._blocks[first] = np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1)
        self._compare(first, _reduced(samples, self._specs), codes, rng)
        emitted = best[~np.isnan(best[:, 0])]
        self._emitted = np.concatenate([self._emitted, emitted[:, 0]])[-LAST_EMITTED:]
        if similarity is not None:
            self._score_random(first, codes, best[:, 1], rng, similarity)
        if len(self._blocks) <= EAGER_BLOCKS or self._n_rows // BLOCK_ROWS % JUDGED_EVERY == 0:
            self._judge()

    def _compare(self, first: int, samples: Sequence[Sample], codes: np.ndarray, rng: np.random.Generator) -> None:
        """Compares the new block, and in turn an old one again: what is near is known better by now."""
        if len(self._blocks) > LAST_BLOCKS:
            oldest = next(iter(self._blocks))
            for blocks in (self._blocks, *self._pairs.values()):
                blocks.pop(oldest, None)  # type: ignore[attr-defined]
        known = list(self._blocks)
        again = known[first // BLOCK_ROWS % len(known)]
        for name, spec in self._specs.items():
            if name not in self._others and any(name in sample.windows for sample in samples):
                self._others[name] = OtherModality(spec, self._descriptor if can_turn(spec) else "oriented")
            if name in self._others:
                self._others[name].take(first, samples, codes)
                for block in {first: 0, again: 0}:
                    pairs = self._others[name].compare(block, *self._blocks[block], rng)
                    self._pairs.setdefault(name, {})[block] = pairs

    def _score_random(
        self, first: int, codes: np.ndarray, best: np.ndarray, rng: np.random.Generator, similarity: Similarity
    ) -> None:
        oldest = max(0, first - REMEMBERED_ROWS + BLOCK_ROWS)
        if first == oldest:
            return
        drawn = rng.integers(oldest, first, size=BLOCK_ROWS)
        usable = (self._sources[drawn % REMEMBERED_ROWS] != codes) & ~np.isnan(best)
        rows = np.arange(first, self._n_rows)[usable]
        scored = np.stack([best[usable], similarity(rows, drawn[usable])], axis=1)
        scored = scored[~np.isnan(scored).any(axis=1)]
        self._similarities = np.concatenate([self._similarities, scored])[-LAST_EMITTED:]

    def _judge(self) -> None:
        """Estimates anew; until that says something of a new generation, the word on the last one stands."""
        found = [fit(joined(blocks.values()), self._emitted) for blocks in self._pairs.values()]
        fits = [one for one in found if one is not None]
        self._fits = [one for one in fits if one.is_evident] or fits
        estimate = estimated(self._fits, self._emitted)
        if estimate.state != "unknown" or estimate.queries >= PATIENCE:
            self._is_outdated = False
        if not self._is_outdated:
            self.estimate = estimate


def corrected(candidates: Candidates, strength: np.float32) -> np.ndarray:
    """The hub-corrected scores `[n, k]` of at most 64 rows on a scale that ends at 0, minus infinity for row -1.

    A logistic curve of the scores themselves would go on rising where pairs are right anyway.
    """
    rows, scores, means, own = (
        padded(value, BLOCK_ROWS)
        for value in (candidates.rows, candidates.scores, candidates.means, candidates.own_means[:, None])
    )
    crowd = strength / 2 * np.nan_to_num(own + np.where(np.isnan(means), own, means))
    bounded = -np.exp((crowd - scores) / SATURATION)
    whole: np.ndarray = np.where(rows >= 0, bounded, np.float32(-np.inf))
    return whole[: len(candidates.rows)]


def _reduced(samples: Sequence[Sample], others: Mapping[str, ModalitySpec]) -> list[Sample]:
    """The samples, each with its first other modalities only."""
    # Cheap where nothing is too much, which is the usual case.
    if len(others) <= MAX_OTHERS:
        return list(samples)
    from msgspec.structs import replace

    kept = []
    for sample in samples:
        names = [name for name in others if name in sample.windows][:MAX_OTHERS]
        kept.append(replace(sample, windows={name: sample.windows[name] for name in names}))
    return kept
