"""From pairs of samples to edges between rows of embeddings. Performs no I/O; knows no torch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streams.records import Sample


@dataclass(frozen=True, slots=True, eq=False)
class EdgeBatch:
    """Row i pairs `anchors[i]` with `partners[i]`, trusted by `weights[i]`; without a partner only natural edges."""

    anchors: Sequence[Sample]
    partners: Sequence[Sample | None]
    weights: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class ItemGraph:
    """The different samples of a batch, what they have, and how they belong together.

    `has[i, m]` says whether item i has the modality `modalities[m]`, all that occur in alphabetical order. `left`,
    `right` and `weights` are the pseudo-pairs as item numbers; `related[i, j]` is True where i and j are one item or a
    pseudo-pair: such two are never negatives of each other.
    """

    items: tuple[Sample, ...]
    modalities: tuple[str, ...]
    has: np.ndarray
    left: np.ndarray
    right: np.ndarray
    weights: np.ndarray
    related: np.ndarray

    def rows_of(self, modality: str) -> np.ndarray:
        """Numbers of the items that have the modality, ascending."""
        if modality not in self.modalities:
            return np.zeros(0, np.int64)
        return np.flatnonzero(self.has[:, self.modalities.index(modality)])


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Windows as rows, and the edges between them.

    Row r is the window that item `item[r]` has of `modalities[modality[r]]`; rows are in order of modalities, then of
    items, and a modality without an edge has none. Edge e joins the rows `query[e]` and `key[e]`, of two modalities,
    and weighs `weights[e]`; the first `n_natural` are natural ones.
    """

    modalities: tuple[str, ...]
    item: np.ndarray
    modality: np.ndarray
    query: np.ndarray
    key: np.ndarray
    weights: np.ndarray
    n_natural: int


def item_graph(batch: EdgeBatch) -> ItemGraph:
    """The batch with each sample once, however often it occurs."""
    numbers: dict[str, int] = {}
    items: list[Sample] = []
    for sample in (*batch.anchors, *(partner for partner in batch.partners if partner is not None)):
        if sample.sample_id not in numbers:
            numbers[sample.sample_id] = len(items)
            items.append(sample)
    pairs = [
        (numbers[anchor.sample_id], numbers[partner.sample_id], float(weight))
        for anchor, partner, weight in zip(batch.anchors, batch.partners, batch.weights, strict=True)
        if partner is not None and weight > 0
    ]
    left, right = (np.array([pair[end] for pair in pairs], np.int64) for end in (0, 1))
    related = np.eye(len(items), dtype=bool)
    related[left, right] = related[right, left] = True
    modalities = sorted({name for item in items for name in item.windows})
    columns = {name: column for column, name in enumerate(modalities)}
    has = np.zeros((len(items), len(modalities)), bool)
    for row, item in enumerate(items):
        has[row, [columns[name] for name in item.windows]] = True
    weights = np.array([pair[2] for pair in pairs], np.float32)
    return ItemGraph(tuple(items), tuple(modalities), has, left, right, weights, related)


def edges_of(graph: ItemGraph, shared: str) -> Edges:
    """Natural edges of weight 1 inside each item, between its modalities, and pseudo-pairs across two items.

    A pseudo-pair joins each modality of the one with each other modality of the other. Where both have the shared
    one it joins what is not shared only: the shared windows brought the two together, and learning from them that they
    are alike would be learning what was put in.
    """
    has, n_modalities = graph.has, len(graph.modalities)
    within = np.triu(np.ones((n_modalities, n_modalities), bool), 1)
    item, one, other = np.nonzero(has[:, :, None] & has[:, None, :] & within)
    across = ~np.eye(n_modalities, dtype=bool) & has[graph.left][:, :, None] & has[graph.right][:, None, :]
    if shared in graph.modalities:
        bond = graph.modalities.index(shared)
        are_bound = has[graph.left, bond] & has[graph.right, bond]
        across[are_bound, bond, :] = across[are_bound, :, bond] = False
    pair, left, right = np.nonzero(across)
    # Item and modality of both ends of each edge.
    queries = np.concatenate([item, graph.left[pair]]), np.concatenate([one, left])
    keys = np.concatenate([item, graph.right[pair]]), np.concatenate([other, right])
    return _numbered(graph, queries, keys, np.concatenate([np.ones(len(item), np.float32), graph.weights[pair]]))


def _numbered(
    graph: ItemGraph,
    queries: tuple[np.ndarray, np.ndarray],
    keys: tuple[np.ndarray, np.ndarray],
    weights: np.ndarray,
) -> Edges:
    """The edges between numbered rows, of the modalities that have an edge."""
    used = np.unique(np.concatenate([queries[1], keys[1]]))
    modality, item = np.nonzero(graph.has[:, used].T)
    numbers = np.full(graph.has.shape, -1)
    numbers[item, used[modality]] = np.arange(len(item))
    return Edges(
        modalities=tuple(graph.modalities[column] for column in used),
        item=item,
        modality=modality,
        query=numbers[queries],
        key=numbers[keys],
        weights=weights,
        n_natural=int(np.count_nonzero(queries[0] == keys[0])),
    )
