"""The last samples, side by side, as a review looks at them. Performs no I/O, reads no clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from streams.history.modality_sets import ModalitySets, codes_of, modality_sets_of
from streams.records import Sample

# From windows `[N, T, C]` to rows `[N, D]`, each of which depends on its own window alone.
Transform = Callable[[np.ndarray], np.ndarray]


@dataclass(slots=True, eq=False)
class TableRow:
    """A sample, and what was computed of its windows."""

    sample: Sample
    described: dict[str, np.ndarray] = field(default_factory=dict)
    embedded: dict[str, np.ndarray] = field(default_factory=dict)


class SampleTable:
    """At most so many samples, the last ones; what is computed of a window is computed once."""

    def __init__(self, size: int) -> None:
        self.rows: list[TableRow] = []
        self._size = size

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def is_full(self) -> bool:
        """Whether the next sample pushes out the oldest."""
        return len(self.rows) >= self._size

    @property
    def ids(self) -> list[str]:
        """The samples' ids, in the order in which they came, which is that of the places."""
        return [row.sample.sample_id for row in self.rows]

    @property
    def sources(self) -> np.ndarray:
        """A code `[N]` for each sample's source."""
        return codes_of(row.sample.source_id for row in self.rows)

    @property
    def modality_sets(self) -> ModalitySets:
        """Which modalities each sample has, as codes into the sets that occur."""
        return modality_sets_of([row.sample for row in self.rows])

    def append(self, sample: Sample) -> None:
        """The next sample; the oldest makes room for it."""
        self.rows.append(TableRow(sample))
        del self.rows[: -self._size]

    def forget_embeddings(self) -> None:
        """Lets go of all embedded rows: another model is used from now on."""
        for row in self.rows:
            row.embedded.clear()

    def having(self, name: str) -> np.ndarray:
        """The places of the samples that have the modality."""
        return np.array([place for place, row in enumerate(self.rows) if name in row.sample.windows], np.intp)

    def square(self, places: np.ndarray) -> tuple[np.ndarray | slice, ...]:
        """Picks their rows and columns of a matrix; a view, which costs nothing, where they are all there is."""
        if len(places) == len(self.rows):
            return slice(None), slice(None)
        return np.ix_(places, places)

    def windows(self, name: str, places: Sequence[int] | np.ndarray) -> np.ndarray:
        """The raw windows `[n, T, C]` of the samples at these places."""
        return np.stack([self.rows[place].sample.windows[name] for place in places]).astype(np.float32, copy=False)

    def described(self, name: str, places: np.ndarray, describe: Transform) -> np.ndarray:
        """Rows `[n, D]` of the raw windows at these places, each described once."""
        rows = [self.rows[place] for place in places]
        new = [row for row in rows if name not in row.described]
        if new:
            windows = np.stack([row.sample.windows[name] for row in new]).astype(np.float32, copy=False)
            for row, vector in zip(new, describe(windows), strict=True):
                row.described[name] = vector
        return np.stack([row.described[name] for row in rows])

    def adopt_embedded(self, name: str, held: Callable[[Sequence[str]], np.ndarray]) -> None:
        """Keeps rows of a modality that were made elsewhere; NaN where one was not."""
        new = [row for row in self.rows if name in row.sample.windows and name not in row.embedded]
        vectors = held([row.sample.sample_id for row in new]) if new else ()
        for row, vector in zip(new, vectors, strict=True):
            if not np.isnan(vector[0]):
                row.embedded[name] = vector

    def embedded(self, name: str, places: np.ndarray, encoders: Mapping[str, Transform]) -> np.ndarray:
        """Unit rows `[n, dim]` of their windows in robust units, by the encoder of the modality."""
        rows = [self.rows[place] for place in places]
        new = [row for row in rows if name not in row.embedded]
        if new:
            vectors = encoders[name](np.stack([row.sample.scaled(name) for row in new]))
            for row, vector in zip(new, vectors, strict=True):
                row.embedded[name] = vector
        return np.stack([row.embedded[name] for row in rows])
