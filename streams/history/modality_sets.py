"""Which modalities samples have, and what a pair of them could teach. Pure."""

from collections.abc import Collection, Iterable, Sequence, Set
from typing import NamedTuple

import numpy as np

from streams.records import Sample


class ModalitySets(NamedTuple):
    """Which modalities each sample has: `codes` `[N]` into the different `sets`."""

    codes: np.ndarray
    sets: list[frozenset[str]]


def modality_sets_of(samples: Sequence[Sample]) -> ModalitySets:
    """The sets of modalities that some samples have."""
    sets = [frozenset(sample.windows) for sample in samples]
    return ModalitySets(codes_of(sets), list(dict.fromkeys(sets)))


def codes_of(values: Iterable[object]) -> np.ndarray:
    """A number for each different value, in the order in which they come."""
    known: dict[object, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values], np.int64)


def brings_new(own: Set[str], other: Set[str], shared: Collection[str]) -> bool:
    """Whether two sets that a shared modality binds have, besides what binds them, different modalities."""
    bond = own & other & set(shared)
    return bool(bond) and are_unlike(own - bond, other - bond)


def are_unlike(own: Set[str], other: Set[str]) -> bool:
    """Whether what two samples have besides what binds them gives a pair of different modalities."""
    return bool(own) and bool(other) and len(own | other) > 1


def usable_pairs(modality_sets: ModalitySets, sources: np.ndarray, shared: Collection[str]) -> np.ndarray:
    """Which pairs `[N, N]` may be: of different sources that a shared modality can bind.

    Those that bring a new pair of modalities, and for a sample that has none of these any other.
    """
    codes, sets = modality_sets
    bound = np.array([[bool(one & other & set(shared)) for other in sets] for one in sets])
    new = np.array([[brings_new(one, other, shared) for other in sets] for one in sets])
    possible = (sources[:, None] != sources[None, :]) & bound[codes[:, None], codes[None, :]]
    usable: np.ndarray = possible & new[codes[:, None], codes[None, :]]
    lonely = ~usable.any(axis=1)
    usable[lonely] = possible[lonely]
    return usable
