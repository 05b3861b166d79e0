"""What a window must be to be used. Performs no I/O; the time is an argument."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
import numpy as np

from encoders.modality import ModalitySpec
from streams.messages.rejects import InvalidRecord
from streams.messages.text import MAX_TEXT_BYTES, check_id, check_label, has_control, utf8
from streams.records import SensorWindow

MAX_VALUE = 1e12  # its square, times any window's length, still is a float32
NS_PER_S = 1_000_000_000
DAY_NS = 86_400 * NS_PER_S
UNITS_NS = {"s": NS_PER_S, "ms": 1_000_000, "us": 1_000}


def validate(
    window: SensorWindow,
    modality: str,
    key: bytes | None,
    specs: Mapping[str, ModalitySpec],
    now_ns: int,
    *,
    earliest_ns: int,
    max_future_s: float,
    length_tolerance: float,
) -> SensorWindow:
    """The window with exactly its modality's number of steps.

    Args:
        window: As it was decoded.
        modality: What its topic carries.
        key: Its message's.
        specs: All known modalities.
        now_ns: The wall clock.
        earliest_ns: Before it no window can have started.
        max_future_s: How far ahead of now the window may start.
        length_tolerance: Share of steps by which it may be longer or shorter; it is then resampled linearly.

    Raises:
        InvalidRecord: If it cannot be used.
    """
    spec = specs.get(modality)
    if spec is None or window.modality != modality:
        got = modality if spec is None else window.modality
        raise InvalidRecord("unknown-modality", "modality", got, " or ".join(specs) if spec is None else modality)
    _check_source(window.source_id, key)
    _check_time(window.start_ns, now_ns, earliest_ns, max_future_s)
    check_id("window_id", window.window_id)
    check_label(window.label)
    values = _fitted(window.values, spec, length_tolerance)
    return window if values is window.values else msgspec.structs.replace(window, values=values)


def resampled(values: np.ndarray, n_steps: int) -> np.ndarray:
    """Values `[T, C]` as `[n_steps, C]` float32, linearly, first and last step kept."""
    at = np.linspace(0, len(values) - 1, n_steps)
    old = np.arange(len(values))
    return np.stack([np.interp(at, old, channel) for channel in values.T], axis=1).astype(np.float32)


def _check_source(source_id: str, key: bytes | None) -> None:
    raw = utf8(source_id)
    if not raw or len(raw) > MAX_TEXT_BYTES:
        got = "no UTF-8" if raw is None else f"{len(raw)} bytes"
        raise InvalidRecord("source-id", "source_id", got, f"1 to {MAX_TEXT_BYTES} bytes")
    if has_control(source_id):
        raise InvalidRecord("source-id", "source_id", ascii(source_id), "no control characters")
    if key != raw:
        raise InvalidRecord("key", "source_id", source_id, f"the message's key, {key!r}")


def year_ns(year: int) -> int:
    """When a year began, in ns since 1970, UTC."""
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * NS_PER_S


def _check_time(start_ns: int, now_ns: int, earliest_ns: int, max_future_s: float) -> None:
    if start_ns < earliest_ns:
        wanted = f"{earliest_ns} or later, in ns since 1970"
        units = [unit for unit, ns in UNITS_NS.items() if earliest_ns <= start_ns * ns <= now_ns + DAY_NS]
        raise InvalidRecord("time", "start_ns", start_ns, f"{wanted}; is this in {units[0]}?" if units else wanted)
    if start_ns - now_ns > max_future_s * NS_PER_S:
        got = f"{start_ns // NS_PER_S - now_ns // NS_PER_S} s ahead of now"
        raise InvalidRecord("time", "start_ns", got, f"at most {max_future_s:g} s")


def _fitted(values: np.ndarray, spec: ModalitySpec, length_tolerance: float) -> np.ndarray:
    if values.size == 0:
        raise InvalidRecord("empty", "values", f"shape {values.shape}", f"{spec.n_steps} steps")
    wanted = f"[{spec.n_steps}, {spec.n_channels}], {length_tolerance:.0%} longer or shorter"
    if values.ndim != 2 or values.shape[1] != spec.n_channels:
        raise InvalidRecord("shape", "values", f"shape {values.shape}", wanted)
    if abs(len(values) - spec.n_steps) > length_tolerance * spec.n_steps:
        raise InvalidRecord("shape", "values", f"{len(values)} steps", wanted)
    if not float(np.abs(values).max()) <= MAX_VALUE:  # also when it is NaN
        step, channel = np.argwhere(~(np.abs(values) <= MAX_VALUE))[0]
        got = f"{values[step, channel]} at step {step}, channel {channel}"
        raise InvalidRecord("not-finite", "values", got, f"finite, at most {MAX_VALUE:g}")
    return values if len(values) == spec.n_steps else resampled(values, spec.n_steps)
