"""How arrays are written inside records, and read: the hooks that msgspec calls. Performs no I/O."""

import base64
import binascii
import math
from typing import Any

import msgspec
import numpy as np

from streams.messages.rejects import InvalidRecord


def array_to_map(value: Any) -> Any:
    """What msgpack gets for an array or a numpy number."""
    if isinstance(value, np.ndarray):
        return {"shape": value.shape, "data": np.ascontiguousarray(value, dtype="<f4").tobytes()}
    return _encode_number(value)


def array_to_lists(value: Any) -> Any:
    """What JSON gets for an array or a numpy number."""
    return value.astype(np.float32).tolist() if isinstance(value, np.ndarray) else _encode_number(value)


def _encode_number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"a record cannot hold {type(value).__name__}")


def array_from(kind: type, value: Any) -> Any:
    """The float32 array, possibly read-only, in either form.

    Raises:
        InvalidRecord: If the value is neither, or its shape and data do not agree.
    """
    if kind is not np.ndarray:
        raise NotImplementedError(f"no record has a field of {kind}")
    return _from_lists(value) if isinstance(value, list) else _from_bytes(value)


def _from_bytes(value: Any) -> np.ndarray:
    if not isinstance(value, dict):
        raise InvalidRecord(
            "undecodable", "values", type(value).__name__, "lists of numbers, or a map of shape and data"
        )
    shape, data = value.get("shape"), value.get("data")
    try:
        if isinstance(data, str):
            data = base64.b64decode(data, validate=True)
        if not isinstance(data, bytes) or not isinstance(shape, list) or not set(map(type, shape)) <= {int}:
            raise InvalidRecord(
                "undecodable", "values", "shape or data of another type", "shape: integers, data: bytes"
            )
        if min(shape, default=0) < 0 or math.prod(shape) * 4 != len(data):
            raise InvalidRecord("shape", "values", f"{len(data)} bytes", f"4 bytes for each value of {shape}")
        return np.frombuffer(data, dtype="<f4").reshape(shape)
    except (ValueError, OverflowError, binascii.Error) as error:
        raise InvalidRecord("shape", "values", str(error)) from error


def _from_lists(value: list[Any]) -> np.ndarray:
    kind: Any = list[list[float]] if value and isinstance(value[0], list) else list[float]
    try:
        numbers = msgspec.convert(value, kind)
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as that
            return np.array(numbers, dtype=np.float64).astype(np.float32)
    except msgspec.ValidationError as error:
        raise InvalidRecord("undecodable", "values", str(error), "lists of numbers") from error
    except (ValueError, OverflowError) as error:
        raise InvalidRecord("shape", "values", str(error), "steps of equally many channels") from error
