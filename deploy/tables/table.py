"""A table as it stands in a file, CSV or Parquet: named columns, and the number of each row, to say where a cell is."""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from encoders.errors import UsageError

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
PARQUET_SUFFIXES = (".parquet", ".pq")
TABLE_SUFFIXES = (*CSV_SUFFIXES, *PARQUET_SUFFIXES)
DELIMITERS = ",;\t"
N_LOOKED_AT = 100
# Of a CSV, as strings of Python.
N_ROWS_AT_ONCE = 10_000
NO_VALUE = frozenset({"", "na", "n/a", "null", "none"})


class TableError(UsageError):
    """A table cannot be used; the message names file, row, column and value, and what was wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Columns `[n]` of a file, strings or numbers; `rows` `[n]` are row numbers: a CSV's header is row 1."""

    file: Path
    columns: dict[str, np.ndarray]
    rows: np.ndarray

    def strings(self, name: str) -> np.ndarray:
        """A column as strings `[n]`."""
        column = self.columns[name]
        return column if column.dtype.kind == "U" else np.array([_shown(one) for one in column.tolist()], str)

    def looks_numeric(self, name: str) -> bool:
        """Whether most of the first cells that have a value are numbers: one that is not is a mistake then."""
        if self.columns[name].dtype.kind in "fiub":
            return True
        with_value = (cell for cell in self.strings(name) if not _is_empty(cell))
        cells = list(islice(with_value, N_LOOKED_AT))
        return sum(map(_is_number, cells)) > len(cells) / 2

    def numbers(self, name: str) -> np.ndarray:
        """A column as float64 `[n]`; a cell without a value is NaN.

        Raises:
            TableError: If a cell is no number.
        """
        column = self.columns[name]
        if column.dtype.kind in "fiub":
            return column.astype(np.float64)
        cells = ["nan" if _is_empty(cell) else cell for cell in self.strings(name).tolist()]
        try:
            return np.array(cells, np.float64)
        except ValueError:
            at = next(i for i, cell in enumerate(cells) if not _is_number(cell))
            raise self.complaint(at, name, "a number") from None

    def complaint(self, at: int, name: str, wanted: str) -> TableError:
        """What to raise for the cell `at` of a column."""
        cell = _shown(self.columns[name][at].item())
        return TableError(f"{self.file}, row {self.rows[at]}, column {name}: {cell!r}, wanted {wanted}")


def read_table(file: Path) -> Table:
    """The table in a CSV or a Parquet file.

    Raises:
        TableError: If it is none, has no rows, or a CSV's rows are not as long as its header.
    """
    table = _read_parquet(file) if file.suffix.lower() in PARQUET_SUFFIXES else _read_csv(file)
    if not len(table.rows):
        raise TableError(f"{file}: no rows, wanted at least one below the names of the columns")
    return table


def _read_csv(file: Path) -> Table:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            head = opened.readline()
            opened.seek(0)
            delimiter = max(DELIMITERS, key=head.count)
            lines = csv.reader(opened, delimiter=delimiter, skipinitialspace=True)
            names = _names(file, next(lines, []))
            blocks = list(_blocks(file, lines, len(names)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{file}: not a CSV file: {error}") from error
    rows = np.concatenate([rows for rows, _ in blocks] or [np.empty(0, int)])
    # A column's blocks go as soon as they are joined.
    parts = [columns for _, columns in blocks]
    joined = (np.concatenate([one.popleft() for one in parts] or [np.empty(0, str)]) for _ in names)
    return Table(file, dict(zip(names, joined, strict=True)), rows)


def _blocks(file: Path, lines: Iterator[list[str]], n_cells: int) -> Iterator[tuple[np.ndarray, deque[np.ndarray]]]:
    """Numbers of rows and the columns of so many rows at a time: strings of Python take far more than those of NumPy.

    Raises:
        TableError: If a row is not as long as the header.
    """
    numbered = ((number, line) for number, line in enumerate(lines, start=2) if any(map(str.strip, line)))
    while block := list(islice(numbered, N_ROWS_AT_ONCE)):
        for number, line in block:
            if len(line) != n_cells:
                raise TableError(f"{file}, row {number}: {len(line)} cells, wanted {n_cells}, as many as row 1 has")
        columns = zip(*(line for _, line in block), strict=True)
        yield np.array([number for number, _ in block], int), deque(np.array(column, str) for column in columns)


def _names(file: Path, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    if not names:
        raise TableError(f"{file}: empty, wanted a row with the names of the columns")
    if all(_is_number(name) for name in names):
        raise TableError(f"{file}, row 1: {', '.join(names[:4])}: only numbers, wanted the names of the columns")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise TableError(f"{file}, row 1: column {twice[0]} is there twice, wanted each name once")
    return names


def _read_parquet(file: Path) -> Table:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise TableError(f"{file}: pyarrow is not installed, wanted pip install 'mmbind-stream[parquet]'") from error
    try:
        read = parquet.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{file}: not a Parquet file: {error}") from error
    columns = {name: _array(read.column(name)) for name in read.column_names}
    return Table(file, columns, np.arange(1, read.num_rows + 1))


def _array(column: Any) -> np.ndarray:
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        return np.asarray(column.cast(pa.timestamp("ns")).to_numpy())
    array = np.asarray(column.to_numpy())
    return array if array.dtype.kind in "fiub" else np.array([_shown(one) for one in column.to_pylist()], str)


def _shown(cell: Any) -> str:
    return "" if cell is None else str(cell)


def _is_empty(cell: str) -> bool:
    return cell.strip().lower() in NO_VALUE


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
