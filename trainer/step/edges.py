"""From pairs of samples to edges between rows of embeddings. Performs no I/O; knows no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

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
    """The different samples of a batch, and how they belong together.

    `left`, `right` and `weights` are the pseudo-pairs as item numbers; `related[i, j]` is True where i and j are one
    item or a pseudo-pair: such two are never negatives of each other.
    """

    items: tuple[Sample, ...]
    left: np.ndarray
    right: np.ndarray
    weights: np.ndarray
    related: np.ndarray

    def rows_of(self, modality: str) -> np.ndarray:
        """Numbers of the items that have the modality, ascending."""
        return np.array([row for row, item in enumerate(self.items) if modality in item.windows], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Edges between items of two modalities: from `query` (an item's number) to `key`."""

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
    return ItemGraph(tuple(items), left, right, np.array([pair[2] for pair in pairs], np.float32), related)


def modality_pairs(graph: ItemGraph) -> list[tuple[str, str]]:
    """Every two modalities that occur in the batch, in a fixed order."""
    return list(combinations(sorted({name for item in graph.items for name in item.windows}), 2))


def edges_between(graph: ItemGraph, query: str, key: str, shared: str) -> Edges:
    """Natural edges of weight 1 inside each item that has both modalities, and pseudo-pairs across two items.

    A pseudo-pair joins what is not shared by both only: the shared windows brought the two together, and learning from
    them that they are alike would be learning what was put in.
    """
    has_query, has_key = ({int(row) for row in graph.rows_of(name)} for name in (query, key))
    both = sorted(has_query & has_key)
    ends = [(row, row, 1.0) for row in both]
    has_shared = {int(row) for row in graph.rows_of(shared)} if shared in (query, key) else set()
    for left, right, weight in zip(graph.left, graph.right, graph.weights, strict=True):
        if left in has_shared and right in has_shared:
            continue
        for one, other in ((int(left), int(right)), (int(right), int(left))):
            if one in has_query and other in has_key:
                ends.append((one, other, float(weight)))
    return Edges(
        query=np.array([end[0] for end in ends], np.int64),
        key=np.array([end[1] for end in ends], np.int64),
        weights=np.array([end[2] for end in ends], np.float32),
        n_natural=len(both),
    )
