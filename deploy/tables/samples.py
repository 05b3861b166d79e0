"""Raw samples of tables, by node and modality."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from deploy.tables.blocks import head_of, read_table
from deploy.tables.columns import Columns, Layout, layout_of, modality_name, unit_of
from deploy.tables.table import Table, TableError
from deploy.tables.times import Clock, as_times, has_dates, times_of

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class RawSamples:
    """What one node measured of one modality: `times_ns` `[n]` rising, `values` `[n, C]` float32, `labels` `[n]`.

    `n_dropped` rows had no number in some channel, `n_repeated` the time of the sample before; neither is here.
    """

    source_id: str
    modality: str
    times_ns: np.ndarray
    values: np.ndarray
    channels: tuple[str, ...]
    unit: str = ""
    labels: np.ndarray | None = None
    n_dropped: int = 0
    n_repeated: int = 0

    @property
    def rate_hz(self) -> float:
        """One over the median step, to four digits, a whole number where it is as good as one.

        Raises:
            TableError: If there are not two samples.
        """
        if len(self.times_ns) < 2:
            raise TableError(f"{self.source_id}, {self.modality}: one sample, wanted two or more to know its rate")
        rate_hz = NS_PER_S / float(np.median(np.diff(self.times_ns)))
        whole = round(rate_hz)
        return float(whole) if abs(rate_hz - whole) < 0.005 * whole else float(f"{rate_hz:.4g}")


@dataclass(frozen=True, slots=True, eq=False)
class Understood:
    """A file as it was read: what its columns are and how its times are counted, for whoever gave it."""

    file: Path
    layout: Layout
    clock: Clock
    samples: tuple[RawSamples, ...]

    def lines(self) -> Iterator[str]:
        """What was understood, in sentences."""
        layout = self.layout
        whose = f"nodes in column {layout.node}" if layout.node else f"node {layout.source_id}"
        yield f"{self.file}: {whose}; times in column {layout.time}, {self.clock}"
        if layout.modality:
            yield f"  modalities in column {layout.modality}"
        for name in sorted({one.modality for one in self.samples}):
            own = [one for one in self.samples if one.modality == name]
            n_dropped = sum(one.n_dropped for one in own)
            dropped = f"; dropped: {n_dropped} rows without a number in each" if n_dropped else ""
            yield f"  {name}: {', '.join(own[0].channels)}{dropped}"
        if layout.label:
            yield f"  labels: {layout.label}"
        if layout.passed_over:
            yield f"  passed over: {', '.join(name or 'a column without a name' for name in layout.passed_over)}"
        if n_repeated := sum(one.n_repeated for one in self.samples):
            yield f"  dropped: {n_repeated} samples at the time of the one before"


def read_samples(file: Path, said: Columns | None = None) -> Understood:
    """The raw samples of a table; its text is never held, but for the columns of nodes, modalities and labels.

    The first values of each column say what it is; then the file is read once more.

    Raises:
        TableError: Naming file, row, column and value, and what was wanted.
    """
    said = said or Columns()
    head = head_of(file)
    layout = layout_of(head, said)
    is_dates = has_dates(head, layout.time)
    table = read_table(file, lambda block: _of_use(block, layout, is_dates))
    times_ns, clock = times_of(table, layout.time, said.unit, said.start_ns)
    samples = tuple(_samples(table, layout, times_ns, said))
    if not samples:
        raise TableError(f"{file}: no row with a number in every channel, wanted at least one")
    return Understood(file, layout, clock, samples)


def _of_use(block: Table, layout: Layout, is_dates: bool) -> Table:
    """Of a block the columns that the layout names, numbers and times in 8 bytes a cell."""
    columns = {layout.time: as_times(block, layout.time, is_dates)}
    columns |= {name: block.numbers(name) for group in layout.groups.values() for name in group}
    said = {name: block.strings(name) for name in (layout.node, layout.modality, layout.label) if name}
    return Table(block.file, columns | said, block.rows)


def joined(parts: Sequence[RawSamples]) -> list[RawSamples]:
    """Samples of one node and modality from several files as one, in order of time.

    Raises:
        TableError: If they differ in channels, or overlap.
    """
    grouped: dict[tuple[str, str], list[RawSamples]] = defaultdict(list)
    for part in sorted(parts, key=lambda one: int(one.times_ns[0])):
        grouped[part.source_id, part.modality].append(part)
    return [_one(group) for _, group in sorted(grouped.items())]


def _one(group: list[RawSamples]) -> RawSamples:
    first = group[0]
    if len(group) == 1:
        return first
    whose = f"{first.source_id}, {first.modality}"
    for before, after in pairwise(group):
        if len(before.channels) != len(after.channels):
            raise TableError(f"{whose}: {len(before.channels)} and {len(after.channels)} channels, wanted as many")
        if after.times_ns[0] <= before.times_ns[-1]:
            raise TableError(f"{whose}: two files have samples of the same time, wanted one after the other")
    return RawSamples(
        first.source_id,
        first.modality,
        np.concatenate([one.times_ns for one in group]),
        np.concatenate([one.values for one in group]),
        first.channels,
        first.unit,
        None if first.labels is None else np.concatenate([one.labels for one in group if one.labels is not None]),
        sum(one.n_dropped for one in group),
        sum(one.n_repeated for one in group),
    )


def _samples(table: Table, layout: Layout, times_ns: np.ndarray, said: Columns) -> Iterator[RawSamples]:
    numbers = {name: table.numbers(name) for group in layout.groups.values() for name in group}
    labels = table.strings(layout.label) if layout.label else None
    for node, kind, rows in _rows(table, layout):
        for name, group in layout.groups.items():
            # In the long layout a modality has fewer channels than another one: columns that are empty for it.
            own = group if name else tuple(one for one in group if np.isfinite(numbers[one][rows]).any())
            has_all = np.ones(len(rows), bool) if own else np.zeros(len(rows), bool)
            for one in own:
                has_all &= np.isfinite(numbers[one][rows])
            if has_all.any():
                modality = name or modality_name(kind, said.known)
                kept = _rising(table, layout.time, rows[has_all], times_ns)
                yield RawSamples(
                    node,
                    modality,
                    times_ns[kept],
                    np.stack([numbers[one][kept].astype(np.float32) for one in own], 1),
                    own,
                    unit_of(own),
                    None if labels is None else labels[kept],
                    int((~has_all).sum()),
                    int(has_all.sum()) - len(kept),
                )


def _rows(table: Table, layout: Layout) -> Iterator[tuple[str, str, np.ndarray]]:
    """Nodes, the modality of a long layout, and their rows, in the order of the names."""
    n = len(table.rows)
    if not (layout.node or layout.modality):
        yield layout.source_id, "", np.arange(n)
        return
    nodes = table.strings(layout.node) if layout.node else np.full(n, layout.source_id)
    kinds = table.strings(layout.modality) if layout.modality else np.full(n, "")
    for node in np.unique(nodes).tolist():
        for kind in np.unique(kinds[nodes == node]).tolist():
            yield node, kind, np.flatnonzero((nodes == node) & (kinds == kind))


def _rising(table: Table, name: str, rows: np.ndarray, times_ns: np.ndarray) -> np.ndarray:
    """The rows without those that repeat the time before."""
    steps = np.diff(times_ns[rows])
    if (steps < 0).any():
        at = int(rows[int((steps < 0).argmax()) + 1])
        raise table.complaint(at, name, "a time that is not before the one of the row before")
    later: np.ndarray = rows[np.concatenate([[True], steps > 0])]
    return later
