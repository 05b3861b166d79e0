"""What a user gives as times and values, as arrays. Performs no I/O and reads no clock."""

from typing import Any

import numpy as np

from encoders.modality import ModalitySpec
from streams.intake.validation import NS_PER_S, UNITS_NS, year_ns

EARLIEST_YEAR = 2000
LATEST_YEAR = 2262  # 64 bits end in it


def samples_of(spec: ModalitySpec, t: Any, values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Times `[n]` int64, Unix time in ns, and values `[n, C]` float64.

    Args:
        spec: Of the modality.
        t: Unix times in whole ns, or numpy's datetime64; of several samples each one's, or the first one's: then they
            follow at the modality's rate.
        values: `[n, C]`; `[C]` or, of one channel, a number: one sample; `[n]` of one channel.

    Raises:
        ValueError: If the values are no numbers of such a shape, or the times are not in ns, are of before the year
            2000, or are as many as there are no samples.
    """
    rows = _rows(spec, values)
    times = times_ns(t)
    if times.ndim == 0:
        return times + np.round(np.arange(len(rows)) * (NS_PER_S / spec.rate_hz)).astype(np.int64), rows
    if times.shape != (len(rows),):
        raise ValueError(f"{spec.name}: t has shape {times.shape}, wanted ({len(rows)},), or the first sample's alone")
    return times, rows


def times_ns(t: Any) -> np.ndarray:
    """Unix times as int64, in ns, of the shape that they have.

    Raises:
        ValueError: If they are not whole numbers, or not of the years 2000 to 2261.
    """
    times = np.asarray(t)
    if times.dtype.kind == "M":
        times = times.astype("datetime64[ns]").astype(np.int64)
    wanted = "wanted whole ns since 1970, such as time.time_ns()"
    if not times.size:
        return times.astype(np.int64)
    if times.dtype.kind not in "iu":
        raise ValueError(f"t is {times.flat[0]!r}, {wanted}{_hint(times.flat[0])}")
    is_wrong = (times < year_ns(EARLIEST_YEAR)) | (times >= year_ns(LATEST_YEAR))
    if is_wrong.any():
        worst = times[is_wrong].flat[0]
        raise ValueError(f"t is {worst}, {wanted}, and of the years {EARLIEST_YEAR} to {LATEST_YEAR - 1}{_hint(worst)}")
    return times.astype(np.int64)


def _hint(t: Any) -> str:
    try:
        seconds = {unit: float(t) * ns / NS_PER_S for unit, ns in UNITS_NS.items()}
    except (TypeError, ValueError):
        return ""
    earliest_s, latest_s = (year_ns(year) / NS_PER_S for year in (EARLIEST_YEAR, LATEST_YEAR))
    units = [unit for unit, at_s in seconds.items() if earliest_s <= at_s < latest_s]
    return f"; is this in {units[0]}?" if units else ""


def _rows(spec: ModalitySpec, values: Any) -> np.ndarray:
    try:
        rows = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{spec.name}: values are no numbers of one shape: {error}") from error
    if rows.ndim < 2:
        rows = rows.reshape(-1, 1) if spec.n_channels == 1 else rows.reshape(1, -1)
    if rows.ndim != 2 or rows.shape[1] != spec.n_channels:
        names = f" ({', '.join(spec.channels)})" if spec.channels else ""
        raise ValueError(
            f"{spec.name}: values have shape {np.shape(values)}, wanted {spec.n_channels} channels{names}: "
            f"[n, {spec.n_channels}] or [{spec.n_channels}]"
        )
    return rows
