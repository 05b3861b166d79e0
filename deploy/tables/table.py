"""A table, or some rows of one: named columns, and the number of each row, to say where a cell is. Performs no I/O."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from encoders.errors import UsageError

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
PARQUET_SUFFIXES = (".parquet", ".pq")
TABLE_SUFFIXES = (*CSV_SUFFIXES, *PARQUET_SUFFIXES)
N_LOOKED_AT = 100
NO_VALUE = frozenset({"", "na", "n/a", "null", "none"})


class TableError(UsageError):
    """A table cannot be used; the message names file, row, column and value, and what was wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Columns `[n]` of a file, strings or numbers; `rows` `[n]` are row numbers: a CSV's header is row 1."""

    file: Path
    columns: dict[str, np.ndarray]
    rows: np.ndarray

    def some(self, at: np.ndarray) -> "Table":
        """These rows of it, by their place."""
        return Table(self.file, {name: column[at] for name, column in self.columns.items()}, self.rows[at])

    def strings(self, name: str) -> np.ndarray:
        """A column as strings `[n]`."""
        column = self.columns[name]
        return column if column.dtype.kind == "U" else np.array([shown(one) for one in column.tolist()], str)

    def looks_numeric(self, name: str) -> bool:
        """Whether most of the first cells that have a value are numbers: one that is not is a mistake then."""
        if self.columns[name].dtype.kind in "fiub":
            return True
        with_value = (cell for cell in self.strings(name) if not is_empty(cell))
        cells = list(islice(with_value, N_LOOKED_AT))
        return sum(map(is_number, cells)) > len(cells) / 2

    def numbers(self, name: str) -> np.ndarray:
        """A column as float64 `[n]`; a cell without a value is NaN.

        Raises:
            TableError: If a cell is no number.
        """
        column = self.columns[name]
        if column.dtype.kind in "fiub":
            return column.astype(np.float64, copy=False)
        cells = ["nan" if is_empty(cell) else cell for cell in self.strings(name).tolist()]
        try:
            return np.array(cells, np.float64)
        except ValueError:
            at = next(i for i, cell in enumerate(cells) if not is_number(cell))
            raise self.complaint(at, name, "a number") from None

    def complaint(self, at: int, name: str, wanted: str) -> TableError:
        """What to raise for the cell `at` of a column."""
        cell = shown(self.columns[name][at].item())
        # As a number, a cell without a value is one as well.
        cell = "" if cell == "nan" else cell
        return TableError(f"{self.file}, row {self.rows[at]}, column {name}: {cell!r}, wanted {wanted}")


def shown(cell: Any) -> str:
    """A cell as text, empty for none."""
    return "" if cell is None else str(cell)


def is_empty(cell: str) -> bool:
    """Whether a cell has no value, whatever stands for that."""
    return cell.strip().lower() in NO_VALUE


def is_number(cell: str) -> bool:
    """Whether a cell is a number, or one that is none: nan."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
