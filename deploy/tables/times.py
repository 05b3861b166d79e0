"""In which unit a column of times is, decided once for all of it. Performs no I/O."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

import numpy as np

from deploy.tables.table import Table, TableError

Unit: TypeAlias = Literal["s", "ms", "us", "ns"]
UNITS: dict[Unit, int] = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
# Unix times of the years 1973 to 5138 in each unit; what is smaller counts from some start of its own.
SMALLEST: dict[Unit, float] = {"s": 1e8, "ms": 1e11, "us": 1e14, "ns": 1e17}
NAMED = re.compile(
    r"(?:^|[\W_])(?:(s|sec|secs|seconds)|(ms|millis|milliseconds)|(us|µs|micros|microseconds)|(ns|nanos|nanoseconds))"
    r"(?:$|[\W_])"
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 2020-01-01, where time that counts from its own start is said to begin.
START_NS = 1_577_836_800 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Clock:
    """The unit of a column of times (None: ISO 8601), and whether they count from a start of their own."""

    unit: Unit | None
    is_relative: bool = False
    start_ns: int = START_NS

    def __str__(self) -> str:
        if self.unit is None:
            return "ISO 8601, UTC where no zone is named"
        if not self.is_relative:
            return f"Unix time in {self.unit}"
        start = (EPOCH + timedelta(seconds=self.start_ns // UNITS["s"])).isoformat()
        return f"{self.unit} from a start of their own, which is taken to be {start}"


def times_of(table: Table, name: str, unit: Unit | None = None, start_ns: int = START_NS) -> tuple[np.ndarray, Clock]:
    """Times in ns since 1970 `[n]`, int64, and how the column was read: in `unit`, or what its magnitude says.

    Raises:
        TableError: If a cell is no time, is of another unit than the others, or the unit cannot be told.
    """
    column = table.columns[name]
    if column.dtype.kind == "M":
        _no_gap(table, name, np.isnat(column))
        moments: np.ndarray = column.astype("datetime64[ns]").astype(np.int64)
        return moments, Clock(None)
    numbers = table.numbers(name)
    _no_gap(table, name, ~np.isfinite(numbers))
    typical = float(np.median(numbers))
    told = next((one for one in reversed(UNITS) if typical >= SMALLEST[one]), None)
    if told is None:
        clock = Clock(unit or _named_unit(table, name, numbers), True, start_ns)
    else:
        clock = Clock(unit or told)
        _one_magnitude(table, name, numbers, told)
    assert clock.unit is not None
    return _ns(column, numbers, UNITS[clock.unit]) + (start_ns if clock.is_relative else 0), clock


def as_times(table: Table, name: str, is_dates: bool) -> np.ndarray:
    """A column of strings as what `times_of` reads just the same, in 8 bytes a cell.

    Whole numbers stay exact: int64. Dates, in ISO 8601, become datetime64, all else float64.

    Raises:
        TableError: If a cell is no time.
    """
    column = table.columns[name]
    if column.dtype.kind != "U":
        return column
    if is_dates:
        return np.array([_iso_ns(table, name, at) for at in range(len(column))], "datetime64[ns]")
    try:
        return column.astype(np.int64)
    except (ValueError, OverflowError):
        return table.numbers(name)


def unix_ns(value: float | int) -> int:
    """A Unix time in ns, of one in the unit that its magnitude says.

    Raises:
        ValueError: If it is of before 1973 in every unit, or beyond 64 bits.
    """
    unit = next((one for one in reversed(UNITS) if value >= SMALLEST[one]), None)
    if unit is None or value >= 2.0**63:
        raise ValueError(f"{value!r} is no Unix time in s, ms, us or ns")
    whole = int(value)
    return whole * UNITS[unit] + round((value - whole) * UNITS[unit])


def parse_time(text: str) -> int:
    """A moment as ISO 8601 in ns since 1970; UTC where it names no zone.

    Raises:
        ValueError: If it is none.
    """
    moment = datetime.fromisoformat(text)
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (zoned - EPOCH) // timedelta(microseconds=1) * 1_000


def _ns(column: np.ndarray, numbers: np.ndarray, factor: int) -> np.ndarray:
    """Exact where all are whole: float64 knows Unix times in ns only to some 200."""
    if column.dtype.kind in "iu":
        return column.astype(np.int64) * factor
    # As floats, Unix times in seconds are exact to a quarter of a microsecond.
    grain = 1_000 if factor == UNITS["s"] and numbers.max() >= SMALLEST["s"] else 1
    whole = np.floor(numbers)
    parts = np.rint((numbers - whole) * (factor // grain)).astype(np.int64) * grain
    times_ns: np.ndarray = whole.astype(np.int64) * factor + parts
    return times_ns


def has_dates(table: Table, name: str) -> bool:
    """Whether a column of strings has dates, as its first cell says."""
    column = table.columns[name]
    return column.dtype.kind == "U" and bool(re.match(r"\s*\d{4}-\d\d-\d\d", column[0]))


def _iso_ns(table: Table, name: str, at: int) -> int:
    try:
        return parse_time(table.columns[name][at].strip())
    except ValueError:
        raise table.complaint(at, name, "a time in ISO 8601, as in the rows before") from None


def _no_gap(table: Table, name: str, missing: np.ndarray) -> None:
    if missing.any():
        raise table.complaint(int(missing.argmax()), name, "a time")


def _one_magnitude(table: Table, name: str, numbers: np.ndarray, unit: Unit) -> None:
    other = (numbers < SMALLEST[unit]) | (numbers >= SMALLEST[unit] * 1_000)
    if unit == "ns":
        other = (numbers < SMALLEST[unit]) | (numbers >= 2.0**63)
    if other.any():
        raise table.complaint(int(other.argmax()), name, f"Unix time in {unit}, as most of the column is")


def _named_unit(table: Table, name: str, numbers: np.ndarray) -> Unit:
    """That of the column's name; else seconds, if they have fractions."""
    if found := NAMED.search(re.sub(r"[\W_]+", " ", name.lower()).strip()):
        return next(unit for unit, part in zip(UNITS, found.groups(), strict=True) if part)
    if (numbers != np.floor(numbers)).any():
        return "s"
    shown = f"{numbers[0]:.0f} to {numbers[-1]:.0f}"
    raise TableError(
        f"{table.file}, column {name}: whole numbers, {shown}, that are no Unix times: s, ms, us or ns? "
        "Wanted --time-unit, or a name such as time_ms"
    )
