"""A batch as arrays, which is all that its loss is made of: on this process, or sent to another one. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from streams.records import Sample
from trainer.step.edges import EdgeBatch, Edges, edges_of, item_graph

WINDOWS, ROWS = "windows/", "rows/"
NUMBERS = ("item", "modality", "query", "key", "weights")


@dataclass(frozen=True, slots=True, eq=False)
class PackedBatch:
    """The windows of a batch's items and the edges between them.

    `windows[name]` are the windows `[n, T, C]` of a modality in robust units, `rows[name]` the numbers of the items
    that they are of, for each modality that has an edge and for the shared one; `related[i, j]` as in `ItemGraph`.
    """

    windows: Mapping[str, np.ndarray]
    rows: Mapping[str, np.ndarray]
    related: np.ndarray
    edges: Edges

    @property
    def n_items(self) -> int:
        """How many different samples there are."""
        return len(self.related)

    @property
    def n_pseudo(self) -> int:
        """How many edges are between two samples."""
        return len(self.edges.weights) - self.edges.n_natural

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it by name."""
        return {
            **{f"{WINDOWS}{name}": values for name, values in self.windows.items()},
            **{f"{ROWS}{name}": values for name, values in self.rows.items()},
            **{name: getattr(self.edges, name) for name in NUMBERS},
            "modalities": np.array(self.edges.modalities, np.str_),
            "n_natural": np.array(self.edges.n_natural),
            "related": self.related,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "PackedBatch":
        """The batch whose `arrays` these are."""
        windows, rows = (
            {name.removeprefix(part): values for name, values in arrays.items() if name.startswith(part)}
            for part in (WINDOWS, ROWS)
        )
        edges = Edges(
            modalities=tuple(arrays["modalities"].tolist()),
            n_natural=int(arrays["n_natural"]),
            **{name: arrays[name] for name in NUMBERS},
        )
        return cls(windows, rows, arrays["related"], edges)


def pack(batch: EdgeBatch, shared: str) -> PackedBatch:
    """The batch, each sample once, with what its loss looks at."""
    graph = item_graph(batch)
    edges = edges_of(graph, shared)
    rows = {name: graph.rows_of(name) for name in sorted({*edges.modalities, shared})}
    windows = {name: _scaled(graph.items, name, own) for name, own in rows.items() if len(own)}
    return PackedBatch(windows, rows, graph.related, edges)


def _scaled(items: Sequence[Sample], modality: str, rows: np.ndarray) -> np.ndarray:
    """Their windows in robust units, as `Sample.scaled` has them, all at once."""
    scalings = [items[row].scaling[modality] for row in rows]
    center, scale = (np.stack([getattr(one, name) for one in scalings])[:, None] for name in ("center", "scale"))
    scaled: np.ndarray = (np.stack([items[row].windows[modality] for row in rows]) - center) / scale
    return scaled.astype(np.float32, copy=False)
