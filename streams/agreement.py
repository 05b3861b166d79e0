"""Whether partners that one modality found are near by another one too. Performs no I/O and reads no clock.

The other modality is described by its fixed descriptor and by nothing learned: an encoder that finds everything alike
cannot raise the agreement.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from encoders.modality import ModalitySpec
from streams.descriptor import MIN_SPECTRUM_STEPS, descriptor_of
from streams.records import Sample
from streams.settings import DescriptorKind

# So many of the last rows are remembered by their other modalities.
REMEMBERED_ROWS = 8192
# A partner agrees that is nearer than this share of what other sources did at random times.
NEAREST_SHARE = 0.05
# So many remembered rows are drawn for each block to know what is near; a query needs some of them.
REFERENCES, MIN_REFERENCES = 512, 40
# The best candidates of a query that are compared.
CANDIDATES = 8


class Agreements(NamedTuple):
    """Pairs `[n]`, by the other modality: `farness` is the share of random rows that are nearer than the partner.

    `scores` say how sure binding was, `chance` how often a random row agrees, `queries` who asked; `rank` 1 is best.
    """

    scores: np.ndarray
    agree: np.ndarray
    chance: np.ndarray
    farness: np.ndarray
    queries: np.ndarray
    rank: np.ndarray


class OtherModality:
    """The last rows as one modality saw them, that is not the shared one.

    Args:
        spec: The modality.
        descriptor: Which one describes it.
    """

    def __init__(self, spec: ModalitySpec, descriptor: DescriptorKind = "oriented") -> None:
        self._name = spec.name
        self._descriptor = descriptor_of(spec, descriptor)
        # Values that are compared as they are would tell where a sensor stands rather than what it sees.
        self._is_scaled = spec.n_steps < MIN_SPECTRUM_STEPS
        self._vectors = np.zeros((REMEMBERED_ROWS, self._descriptor.dim), np.float16)
        self._rows = np.full(REMEMBERED_ROWS, -1, np.int64)
        self._sources = np.full(REMEMBERED_ROWS, -1, np.int64)

    def take(self, first_row: int, samples: Sequence[Sample], sources: np.ndarray) -> None:
        """Remembers the samples of consecutive rows, as far as they have the modality."""
        name = self._name
        self._rows[np.arange(first_row, first_row + len(samples)) % REMEMBERED_ROWS] = -1
        having = np.array([i for i, sample in enumerate(samples) if name in sample.windows], np.intp)
        if not len(having):
            return
        windows = [samples[i].scaled(name) if self._is_scaled else samples[i].windows[name] for i in having]
        vectors = self._descriptor(np.stack(windows).astype(np.float32, copy=False))
        having, vectors = having[np.any(vectors != 0, axis=1)], vectors[np.any(vectors != 0, axis=1)]
        places = (first_row + having) % REMEMBERED_ROWS
        self._vectors[places] = vectors
        self._rows[places] = first_row + having
        self._sources[places] = sources[having]

    def compare(
        self, first_row: int, candidates: np.ndarray, scores: np.ndarray, rng: np.random.Generator
    ) -> Agreements:
        """The pairs of each row with the best of its candidates that have the modality.

        Args:
            first_row: The first of n consecutive rows, which were taken before.
            candidates: `[n, k]` rows, -1 where there are fewer, by falling score.
            scores: `[n, k]`.
            rng: Draws the rows to compare with.
        """
        held = np.flatnonzero(self._rows >= 0)
        queries = np.arange(first_row, first_row + len(candidates))
        here = self._rows[queries % REMEMBERED_ROWS] == queries
        if not len(held) or not here.any():
            return nothing()
        queries, candidates, scores = queries[here], candidates[here], scores[here]
        drawn = held[rng.integers(len(held), size=REFERENCES)]
        asking = self._vectors[queries % REMEMBERED_ROWS].astype(np.float32)
        others = self._sources[drawn] != self._sources[queries % REMEMBERED_ROWS][:, None]
        n_others = others.sum(axis=1)
        known = (candidates >= 0) & (self._rows[candidates % REMEMBERED_ROWS] == candidates)
        rank = np.cumsum(known, axis=1)
        which, column = np.nonzero(known & (rank <= CANDIDATES) & (n_others >= MIN_REFERENCES)[:, None])
        far = np.where(others, asking @ self._vectors[drawn].astype(np.float32).T, -2)
        near = self._vectors[candidates[which, column] % REMEMBERED_ROWS].astype(np.float32)
        similarity = np.einsum("nd,nd->n", asking[which], near)
        nearer = (far[which] >= similarity[:, None]).sum(axis=1)
        wanted = NEAREST_SHARE * n_others[which]
        return Agreements(
            scores[which, column],
            nearer < wanted,
            np.ceil(wanted) / n_others[which],
            nearer / n_others[which],
            queries[which],
            rank[which, column],
        )


def nothing() -> Agreements:
    """No pairs."""
    none = np.zeros(0)
    return Agreements(none, none.astype(bool), none, none, none.astype(np.int64), none.astype(np.int64))


def joined(blocks: Iterable[Agreements]) -> Agreements:
    """All pairs of some blocks."""
    return Agreements(*(np.concatenate(values) for values in zip(*blocks, strict=True)))
