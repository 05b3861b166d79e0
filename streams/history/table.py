"""Samples side by side, as a later round looks at them. Performs no I/O, reads no clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from streams.history.modality_sets import codes_of
from streams.records import Sample

# From windows `[N, T, C]` to rows `[N, D]`, each of which depends on its own window alone.
Transform = Callable[[np.ndarray], np.ndarray]
# Of what was computed of windows in robust units, not of raw ones.
SCALED = " in robust units"


@dataclass(slots=True, eq=False)
class TableRow:
    """A sample, what was computed of its windows, and the answer that it has.

    `windows` is the sample itself as long as its windows are held. `answer` are its partners' ids and `confidence` that
    of the best, None as long as only its arrival gave it some; `brings_new` says whether the best of them brings a new
    pair of modalities, `is_withheld` that it was told of none since binding did not work.
    """

    sample_id: str
    source_id: str
    start_ns: int
    modalities: frozenset[str]
    windows: Sample | None
    described: dict[str, np.ndarray] = field(default_factory=dict)
    embedded: dict[str, np.ndarray] = field(default_factory=dict)
    answer: tuple[str, ...] | None = None
    confidence: float | None = None
    brings_new: bool = False
    is_withheld: bool = False

    @classmethod
    def of(cls, sample: Sample) -> "TableRow":
        """A sample of which nothing was computed yet."""
        return cls(sample.sample_id, sample.source_id, sample.start_ns, frozenset(sample.windows), sample)


class SampleTable:
    """Samples by place; what is computed of a window is computed once, and stays when its values go.

    What encoders make of them is that of one model: where a row begins afresh with another one, this table goes on with
    what it had.
    """

    def __init__(self, rows: Sequence[TableRow]) -> None:
        self.rows = rows
        self._embedded = [row.embedded for row in rows]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def ids(self) -> list[str]:
        """The samples' ids, in the order of the places."""
        return [row.sample_id for row in self.rows]

    @property
    def sources(self) -> np.ndarray:
        """A code `[N]` for each sample's source."""
        return codes_of(row.source_id for row in self.rows)

    @property
    def bring_new(self) -> np.ndarray:
        """Whether each has a partner that brings a new pair of modalities, `[N]`."""
        return np.array([row.brings_new for row in self.rows], bool)

    def having(self, name: str) -> np.ndarray:
        """The places of the samples that have the modality, and can be described by it."""
        return self._places(name, [row.described for row in self.rows])

    def having_embedded(self, name: str) -> np.ndarray:
        """The places of the samples that have the modality, and are embedded or can be."""
        return self._places(name, self._embedded)

    def square(self, places: np.ndarray) -> tuple[np.ndarray | slice, ...]:
        """Picks their rows and columns of a matrix; a view, which costs nothing, where they are all there is."""
        if len(places) == len(self.rows):
            return slice(None), slice(None)
        return np.ix_(places, places)

    def described(self, name: str, places: np.ndarray, describe: Transform, is_scaled: bool = False) -> np.ndarray:
        """Rows `[n, D]` of the windows at these places, raw or in robust units, each described once."""
        rows, key = [self.rows[place] for place in places], name + SCALED * is_scaled
        new = [row for row in rows if key not in row.described]
        for row, vector in zip(new, _transformed(new, name, describe, is_scaled), strict=True):
            row.described[key] = vector
        return np.stack([row.described[key] for row in rows])

    def adopt_embedded(self, name: str, held: Callable[[Sequence[str]], np.ndarray]) -> None:
        """Keeps rows of a modality that were made elsewhere; NaN where one was not."""
        both = zip(self.rows, self._embedded, strict=True)
        new = [(row, known) for row, known in both if name in row.modalities and name not in known]
        vectors = held([row.sample_id for row, _ in new]) if new else ()
        for (_, known), vector in zip(new, vectors, strict=True):
            if not np.isnan(vector[0]):
                known[name] = vector

    def embedded(self, name: str, places: np.ndarray, encoders: Mapping[str, Transform]) -> np.ndarray:
        """Unit rows `[n, dim]` of their windows in robust units, by the encoder of the modality."""
        new = [place for place in places if name not in self._embedded[place]]
        vectors = _transformed([self.rows[place] for place in new], name, encoders[name], is_scaled=True)
        for place, vector in zip(new, vectors, strict=True):
            self._embedded[place][name] = vector
        return np.stack([self._embedded[place][name] for place in places])

    def _places(self, name: str, computed: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
        found = [
            place
            for place, (row, known) in enumerate(zip(self.rows, computed, strict=True))
            if name in row.modalities and (row.windows is not None or name in known or name + SCALED in known)
        ]
        return np.array(found, np.intp)


def _transformed(rows: Sequence[TableRow], name: str, transform: Transform, is_scaled: bool) -> np.ndarray:
    samples = [row.windows for row in rows if row.windows is not None]
    if not samples:
        return np.zeros((0, 0), np.float32)
    windows = [one.scaled(name) if is_scaled else one.windows[name] for one in samples]
    return transform(np.stack(windows).astype(np.float32, copy=False))
