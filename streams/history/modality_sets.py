"""Which modalities samples have, and what a pair of them could teach. Performs no I/O."""

from collections.abc import Collection, Iterable, Set

import numpy as np


class ModalitySets:
    """The sets of modalities that occur, as codes, and what a pair of each two of them could be.

    Args:
        shared: The modalities that bind.
    """

    def __init__(self, shared: Collection[str]) -> None:
        self._shared = tuple(shared)
        self._codes: dict[frozenset[str], int] = {}
        self._can_bind = np.zeros((0, 0), bool)
        self._brings_new = np.zeros((0, 0), bool)

    def code(self, modalities: Set[str]) -> int:
        """Of one set of modalities."""
        found = frozenset(modalities)
        code = self._codes.get(found)
        if code is None:
            code = self._codes[found] = len(self._codes)
            self._can_bind = _grown(self._can_bind, [bool(found & one & {*self._shared}) for one in self._codes])
            self._brings_new = _grown(self._brings_new, [brings_new(found, one, self._shared) for one in self._codes])
        return code

    def brings_new(self, own: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Whether pairs of samples of these codes bring a new pair of modalities; arrays that broadcast."""
        new: np.ndarray = self._brings_new[own, other]
        return new

    def can_bind_each(self, codes: np.ndarray) -> np.ndarray:
        """`[N, N]`: whether a shared modality can bind samples of every two of these codes."""
        bound: np.ndarray = self._can_bind[codes][:, codes]
        return bound

    def brings_new_each(self, codes: np.ndarray) -> np.ndarray:
        """`[N, N]`: `brings_new` of every two of these codes, in a tenth of the time."""
        new: np.ndarray = self._brings_new[codes][:, codes]
        return new


def _grown(matrix: np.ndarray, last: list[bool]) -> np.ndarray:
    """One more row and column, both the same."""
    grown = np.zeros((len(last), len(last)), bool)
    grown[:-1, :-1] = matrix
    grown[-1], grown[:, -1] = last, last
    return grown


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


def usable_pairs(sets: ModalitySets, codes: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Which pairs `[N, N]` may be: of different sources that a shared modality can bind.

    Those that bring a new pair of modalities, and for a sample that has none of these any other.

    Args:
        sets: Of the samples' modalities.
        codes: `[N]` of these.
        sources: `[N]` codes.
    """
    possible = (sources[:, None] != sources[None, :]) & sets.can_bind_each(codes)
    usable: np.ndarray = possible & sets.brings_new_each(codes)
    lonely = ~usable.any(axis=1)
    usable[lonely] = possible[lonely]
    return usable
