"""Who passes labels on to whom: along pairs, and to look-alikes of the same kind. Performs no I/O."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from streams.records import Binding
from trainer.labelling.described import DescribedSample, unit_rows

# Look-alikes of a sample. Chosen by hand.
N_KIN = 8
# So many rows of products at once.
ROWS_AT_ONCE = 1024


class Edges(NamedTuple):
    """Samples by their places, `[e]` each, and weights above 0; both directions are meant, whichever stands here."""

    left: np.ndarray
    right: np.ndarray
    weight: np.ndarray

    def __add__(self, other: "Edges") -> "Edges":  # type: ignore[override]
        return Edges(*(np.concatenate(both) for both in zip(self, other, strict=True)))

    def times(self, factor: float) -> "Edges":
        """The same with other weights; none where the factor is 0."""
        return self._replace(weight=factor * self.weight) if factor else NO_EDGES


NO_EDGES = Edges(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def latest(bindings: Iterable[Binding], known: Mapping[str, Binding] | None = None) -> dict[str, Binding]:
    """The Binding of the largest round by sample; of two of one round the first holds, as the log has them.

    Args:
        bindings: In the order of the log.
        known: Those of before.
    """
    found = dict(known or {})
    for one in bindings:
        if one.sample_id not in found or found[one.sample_id].round < one.round:
            found[one.sample_id] = one
    return found


def pair_edges(samples: Sequence[DescribedSample], bindings: Mapping[str, Binding]) -> Edges:
    """An edge for each partner that is there, as heavy as it is probable.

    Args:
        samples: By whose places the edges are told.
        bindings: The latest of each sample, by its id.
    """
    place = {one.sample_id: number for number, one in enumerate(samples)}
    edges = [
        (place[one.sample_id], place[partner.sample_id], partner.probability)
        for one in samples
        if one.sample_id in bindings
        for partner in bindings[one.sample_id].partners
        if partner.sample_id in place and partner.probability > 0
    ]
    return _edges(edges)


def kin_edges(samples: Sequence[DescribedSample]) -> Edges:
    """Edges, a sample's of weight 1 in all, to those of the same modalities that look most like it in all of them."""
    kinds: dict[frozenset[str], list[int]] = {}
    for place, one in enumerate(samples):
        kinds.setdefault(frozenset(one.rows), []).append(place)
    found = NO_EDGES
    for modalities, places in kinds.items():
        if modalities and len(places) > 1:
            own = [samples[place] for place in places]
            rows = np.concatenate([unit_rows(own, name) for name in sorted(modalities)], axis=1)
            found += _nearest(np.array(places), rows)
    return found


def _nearest(places: np.ndarray, rows: np.ndarray) -> Edges:
    n_kin = min(N_KIN, len(rows) - 1)
    parts = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        alike = rows[start : start + ROWS_AT_ONCE] @ rows.T
        own = np.arange(len(alike))
        alike[own, start + own] = -np.inf
        parts.append(np.argpartition(-alike, n_kin - 1, axis=1)[:, :n_kin])
    right = places[np.concatenate(parts).ravel()]
    return Edges(np.repeat(places, n_kin), right, np.full(len(right), 1 / n_kin))


def _edges(edges: Sequence[tuple[int, int, float]]) -> Edges:
    if not edges:
        return NO_EDGES
    left, right, weight = zip(*edges, strict=True)
    return Edges(np.array(left, np.int64), np.array(right, np.int64), np.array(weight, np.float64))
