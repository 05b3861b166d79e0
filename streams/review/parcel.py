"""A table on its way to another process, and what was computed of it on its way back. Performs no I/O.

Thousands of small arrays take longer to pickle than a round may: what was computed of the rows travels as one matrix a
key, and windows only where something may have to be computed of them.
"""

from collections.abc import Collection
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from streams.history.table import SampleTable, TableRow
from streams.messages.codec import decode_many, encode_batch
from streams.records import Sample

Key: TypeAlias = tuple[Literal["described", "embedded"], str]
# What was computed, of which windows: places `[n]` and rows `[n, D]`.
Computed: TypeAlias = dict[Key, tuple[np.ndarray, np.ndarray]]
# Stands for windows that are held, and need not be looked at where the table is going.
ELSEWHERE = Sample(sample_id="", source_id="", start_ns=0, windows={}, scaling={})


class Parcel(NamedTuple):
    """All of a table that a question may ask for."""

    ids: list[str]
    source_ids: list[str]
    modalities: list[frozenset[str]]
    bring_new: np.ndarray
    computed: Computed
    is_held: list[bool]
    sent: list[int]
    samples: bytes

    @property
    def table(self) -> SampleTable:
        """The table again, of rows of its own."""
        rows = [
            TableRow(id_, source_id, 0, modalities, ELSEWHERE if is_held else None, brings_new=brings_new)
            for id_, source_id, modalities, is_held, brings_new in zip(
                self.ids, self.source_ids, self.modalities, self.is_held, self.bring_new.tolist(), strict=True
            )
        ]
        for place, sample in zip(self.sent, decode_many(self.samples, Sample) if self.sent else (), strict=True):
            rows[place].windows = sample
        unpack(self.computed, SampleTable(rows))
        return SampleTable(rows)


def pack(table: SampleTable, shared: Collection[str], embeds: Collection[str], judged: bool) -> Parcel:
    """A table as a parcel.

    Args:
        table: Of samples.
        shared: The modalities that bind.
        embeds: Those that a model has an encoder of.
        judged: Whether the others are asked too how right the pairs are, and look at windows.
    """
    rows = table.rows
    sent = [(place, row.windows) for place, row in enumerate(rows) if _is_needed(row, shared, embeds, judged)]
    samples = [(place, sample) for place, sample in sent if sample is not None]
    return Parcel(
        ids=table.ids,
        source_ids=[row.source_id for row in rows],
        modalities=[row.modalities for row in rows],
        bring_new=table.bring_new,
        computed=computed_of(table),
        is_held=[row.windows is not None for row in rows],
        sent=[place for place, _ in samples],
        samples=encode_batch([sample for _, sample in samples]),
    )


def computed_of(table: SampleTable, known: Computed | None = None) -> Computed:
    """What was computed of a table's rows, less what was known of them before."""
    places: dict[Key, list[int]] = {}
    for place, row in enumerate(table.rows):
        for name in row.described:
            places.setdefault(("described", name), []).append(place)
        for name in row.embedded:
            places.setdefault(("embedded", name), []).append(place)
    found: Computed = {}
    for (kind, name), own in places.items():
        before = {*known[kind, name][0].tolist()} if known and (kind, name) in known else set()
        if new := [place for place in own if place not in before]:
            found[kind, name] = np.array(new), np.stack([getattr(table.rows[place], kind)[name] for place in new])
    return found


def unpack(computed: Computed, table: SampleTable) -> None:
    """Gives each row of a table what was computed of it elsewhere."""
    for (kind, key), (places, vectors) in computed.items():
        for place, vector in zip(places.tolist(), vectors, strict=True):
            getattr(table.rows[place], kind)[key] = vector


def _is_needed(row: TableRow, shared: Collection[str], embeds: Collection[str], judged: bool) -> bool:
    """Whether its windows may be looked at."""
    if judged and not row.modalities <= {*shared}:
        return True
    if any(name in row.modalities and name not in row.embedded for name in embeds):
        return True
    return any(name in row.modalities and name not in row.described for name in shared)
