"""The history: the shared windows of the last samples, by row number. Performs no I/O and reads no clock."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from encoders.errors import MmbindError
from encoders.modality import ModalitySpec
from streams.history.index import piece_rows, ring_rows, segment_rows
from streams.history.modality_sets import ModalitySets
from streams.records import Sample
from streams.settings import IndexSettings

NS_PER_HOUR = 3600 * 1_000_000_000


class RowsGone(MmbindError):  # noqa: N818 - it tells whoever follows to begin anew
    """Rows are wanted that were forgotten: whoever follows was slower than the stream by a whole history."""


class Windows(NamedTuple):
    """Consecutive rows' shared windows: raw `[n, T, C]`, their sources' center and scale `[n, C]`, source codes."""

    raw: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    sources: np.ndarray

    @property
    def scaled(self) -> np.ndarray:
        """The windows `[n, T, C]` in their sources' robust units."""
        scaled: np.ndarray = (self.raw - self.center[:, None]) / self.scale[:, None]
        return scaled


class _StoredSegment:
    """What is stored of the rows of one segment."""

    def __init__(self, n_rows: int, spec: ModalitySpec) -> None:
        self.raw = np.zeros((n_rows, spec.n_steps, spec.n_channels), np.float32)
        self.center = np.zeros((n_rows, spec.n_channels), np.float32)
        self.scale = np.ones((n_rows, spec.n_channels), np.float32)
        self.sources = np.zeros(n_rows, np.int32)
        self.start_ns = np.zeros(n_rows, np.int64)
        self.ids: list[str] = []


class SampleStore:
    """What binding must remember. The n-th sample ever is row n; the oldest go a whole segment at a time.

    A segment goes when all its rows are older than the last `history_samples`, or its median start is more than
    `history_hours` before the median start of the newest piece: medians, since one fast clock must not empty the
    history. That is looked at where a piece begins, and so depends on counts alone.
    """

    def __init__(self, spec: ModalitySpec, shared: str, settings: IndexSettings) -> None:
        self.n_rows = 0
        self.first_row = 0
        self.piece_rows = piece_rows(settings)
        # (row, first row held from that row on), for whoever follows later.
        self.floors: list[tuple[int, int]] = []
        self._spec = spec
        self._shared = shared
        self._settings = settings
        self._segment_rows = segment_rows(settings)
        self._segments: dict[int, _StoredSegment] = {}
        self._use = np.zeros(ring_rows(settings), np.float32)
        self._sets = ModalitySets([shared])
        self._set_codes = np.zeros(ring_rows(settings), np.int64)
        self._row_of: dict[str, int] = {}
        self._codes: dict[str, int] = {}
        self._n_codes = 0

    def __contains__(self, sample_id: object) -> bool:
        return sample_id in self._row_of

    @property
    def n_samples(self) -> int:
        """How many samples are held; those of the oldest segment count until it goes whole."""
        return self.n_rows - self.first_row

    @property
    def n_bytes(self) -> int:
        """An estimate of the memory held."""
        return len(self._segments) * self._segment_rows * (4 * self._spec.n_steps * self._spec.n_channels + 200)

    @property
    def room(self) -> int:
        """How many samples fit into the present piece."""
        return self.piece_rows - self.n_rows % self.piece_rows

    def append(self, samples: Sequence[Sample]) -> None:
        """Takes new samples, each with a shared window and an id not held; no more than `room`."""
        assert len(samples) <= self.room, "cut where a piece ends"
        if self.n_rows % self.piece_rows == 0:
            self._drop_old()
        number, first = divmod(self.n_rows, self._segment_rows)
        if number not in self._segments:
            self._segments[number] = _StoredSegment(self._segment_rows, self._spec)
        segment = self._segments[number]
        name = self._shared
        for place, sample in enumerate(samples, first):
            scaling = sample.scaling[name]
            segment.raw[place] = sample.windows[name]
            segment.center[place] = scaling.center
            segment.scale[place] = scaling.scale
            segment.sources[place] = self._code(sample.source_id)
            segment.start_ns[place] = sample.start_ns
            segment.ids.append(sample.sample_id)
            self._row_of[sample.sample_id] = number * self._segment_rows + place
        places = np.arange(self.n_rows, self.n_rows + len(samples)) % len(self._use)
        self._use[places] = 0
        self._set_codes[places] = [self._sets.code(sample.windows.keys()) for sample in samples]
        self.n_rows += len(samples)

    def windows(self, first: int, end: int) -> Windows:
        """The windows of rows from `first` up to, not including, `end`, all of one segment.

        Raises:
            RowsGone: If they are not held any more.
        """
        number, start = divmod(first, self._segment_rows)
        segment, rows = self._segments.get(number), slice(start, start + end - first)
        if segment is None:
            raise RowsGone(f"rows from {first} on are held no more, the first is {self.first_row}")
        return Windows(segment.raw[rows], segment.center[rows], segment.scale[rows], segment.sources[rows])

    def pieces(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """The rows from `first` up to `end`, cut where pieces begin."""
        while first < end:
            cut = min(end, (first // self.piece_rows + 1) * self.piece_rows)
            yield first, cut
            first = cut

    def rows(self, sample_ids: Sequence[str]) -> np.ndarray:
        """The rows of samples; -1 where one is not held."""
        return np.array([self._row_of.get(sample_id, -1) for sample_id in sample_ids], np.int64)

    def ids(self, rows: Sequence[int]) -> list[str]:
        """The sample ids of rows that are held."""
        segments, size = self._segments, self._segment_rows
        return [segments[row // size].ids[row % size] for row in rows]

    def fresh(self, first: int, rows: np.ndarray) -> np.ndarray:
        """Whether each of `rows` `[n, k]` brings the n rows from `first` on a new pair of modalities.

        Rows do that which have another modality besides the shared one. Anything where a row is -1.
        """
        own, other = (
            np.take(self._set_codes, some, mode="wrap") for some in (np.arange(first, first + len(rows)), rows)
        )
        return self._sets.brings_new(own[:, None], other)

    def use(self, rows: np.ndarray) -> np.ndarray:
        """How much each of the rows was used as a partner: the sum of its probabilities; anything where a row is -1."""
        used: np.ndarray = self._use[rows % len(self._use)]
        return used

    def count_use(self, rows: np.ndarray, amounts: np.ndarray) -> None:
        """Adds to each of rows `[n]` the amount by which it was used; a row may be named more than once."""
        np.add.at(self._use, rows % len(self._use), amounts)

    def _code(self, source_id: str) -> int:
        code = self._codes.get(source_id)
        if code is None:
            code = self._codes[source_id] = self._n_codes
            self._n_codes += 1
        return code

    def _drop_old(self) -> None:
        floor = self.n_rows - self._settings.history_samples
        oldest_ns = self._newest_ns() - self._settings.history_hours * NS_PER_HOUR
        active = self.n_rows // self._segment_rows
        for number in sorted(self._segments):
            segment = self._segments[number]
            outgrown = (number + 1) * self._segment_rows <= floor
            if number == active or not (outgrown or np.median(segment.start_ns[: len(segment.ids)]) < oldest_ns):
                break
            self._drop(number)

    def _drop(self, number: int) -> None:
        segment = self._segments.pop(number)
        for place, sample_id in enumerate(segment.ids):
            if self._row_of.get(sample_id) == number * self._segment_rows + place:
                del self._row_of[sample_id]
        # Codes are never used twice; of sources without a row they are forgotten, since there may come ever new ones.
        held = {code for one in self._segments.values() for code in np.unique(one.sources[: len(one.ids)]).tolist()}
        self._codes = {source: code for source, code in self._codes.items() if code in held}
        self.first_row = (number + 1) * self._segment_rows
        self.floors.append((self.n_rows, self.first_row))

    def _newest_ns(self) -> float:
        if not self.n_rows:
            return 0.0
        number, last = divmod(self.n_rows - 1, self._segment_rows)
        return float(np.median(self._segments[number].start_ns[last - self.piece_rows + 1 : last + 1]))
