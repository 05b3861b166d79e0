"""Tables in CSV and Parquet files, so many rows at a time."""

import csv
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from deploy.tables.table import N_LOOKED_AT, PARQUET_SUFFIXES, Table, TableError, is_empty, is_number, shown

DELIMITERS = ",;\t"
N_ROWS_AT_ONCE = 10_000


def blocks_of(file: Path) -> Iterator[Table]:
    """The table in a CSV or a Parquet file, N_ROWS_AT_ONCE rows at a time; at least one block, that may have no rows.

    Raises:
        TableError: If it is none, or a CSV's rows are not as long as its header.
    """
    return _parquet_blocks(file) if file.suffix.lower() in PARQUET_SUFFIXES else _csv_blocks(file)


def head_of(file: Path) -> Table:
    """The rows that say what columns are: those of the first N_LOOKED_AT values of each column, and the first one.

    Reads no further than that.

    Raises:
        TableError: If it is no table, or has no rows.
    """
    lacks: dict[str, int] = {}
    parts: list[Table] = []
    for block in blocks_of(file):
        lacks = lacks or dict.fromkeys(block.columns, N_LOOKED_AT)
        kept = {0} if not parts and len(block.rows) else set[int]()
        for name in [name for name, n_lacking in lacks.items() if n_lacking]:
            if block.columns[name].dtype.kind in "fiubM":
                lacks[name] = 0
                continue
            with_value = (at for at, cell in enumerate(block.columns[name]) if not is_empty(cell))
            found = list(islice(with_value, lacks[name]))
            lacks[name] -= len(found)
            kept.update(found)
        parts.append(block.some(np.array(sorted(kept), int)))
        if not any(lacks.values()):
            break
    head = _joined(parts)
    if not len(head.rows):
        raise TableError(f"{file}: no rows, wanted at least one below the names of the columns")
    return head


def read_table(file: Path, of_block: Callable[[Table], Table] = lambda block: block) -> Table:
    """The whole table, of each block what `of_block` makes of it: no more than that and one block is held.

    Raises:
        TableError: If it is none, a CSV's rows are not as long as its header, or `of_block` raises it.
    """
    return _joined([of_block(block) for block in blocks_of(file)])


def _joined(parts: list[Table]) -> Table:
    rows = np.concatenate([one.rows for one in parts])
    # A column's blocks go as soon as they are joined.
    joined = {name: np.concatenate([one.columns.pop(name) for one in parts]) for name in list(parts[0].columns)}
    return Table(parts[0].file, joined, rows)


def _csv_blocks(file: Path) -> Iterator[Table]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            head = opened.readline()
            opened.seek(0)
            delimiter = max(DELIMITERS, key=head.count)
            lines = csv.reader(opened, delimiter=delimiter, skipinitialspace=True)
            names = _names(file, next(lines, []))
            yield from _blocks(file, names, lines)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{file}: not a CSV file: {error}") from error


def _blocks(file: Path, names: list[str], lines: Iterator[list[str]]) -> Iterator[Table]:
    numbered = ((number, line) for number, line in enumerate(lines, start=2) if any(map(str.strip, line)))
    block = list(islice(numbered, N_ROWS_AT_ONCE))
    if not block:
        yield Table(file, {name: np.empty(0, str) for name in names}, np.empty(0, int))
    while block:
        for number, line in block:
            if len(line) != len(names):
                raise TableError(f"{file}, row {number}: {len(line)} cells, wanted {len(names)}, as many as row 1 has")
        columns = zip(*(line for _, line in block), strict=True)
        arrays = {name: np.array(column, str) for name, column in zip(names, columns, strict=True)}
        yield Table(file, arrays, np.array([number for number, _ in block], int))
        block = list(islice(numbered, N_ROWS_AT_ONCE))


def _names(file: Path, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    if not names:
        raise TableError(f"{file}: empty, wanted a row with the names of the columns")
    if all(is_number(name) for name in names):
        raise TableError(f"{file}, row 1: {', '.join(names[:4])}: only numbers, wanted the names of the columns")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise TableError(f"{file}, row 1: column {twice[0]} is there twice, wanted each name once")
    return names


def _parquet_blocks(file: Path) -> Iterator[Table]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise TableError(f"{file}: pyarrow is not installed, wanted pip install 'mmbind-stream[parquet]'") from error
    n_before = 0
    try:
        with parquet.ParquetFile(file) as opened:
            names = opened.schema_arrow.names
            for batch in opened.iter_batches(N_ROWS_AT_ONCE):
                columns = {name: _array(pa.chunked_array([batch.column(name)])) for name in names}
                yield Table(file, columns, np.arange(1, batch.num_rows + 1) + n_before)
                n_before += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{file}: not a Parquet file: {error}") from error
    if not n_before:
        yield Table(file, {name: np.empty(0, str) for name in names}, np.empty(0, int))


def _array(column: Any) -> np.ndarray:
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        return np.asarray(column.cast(pa.timestamp("ns")).to_numpy())
    array = np.asarray(column.to_numpy())
    return array if array.dtype.kind in "fiub" else np.array([shown(one) for one in column.to_pylist()], str)
