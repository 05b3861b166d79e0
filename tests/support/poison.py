"""Bad messages made of good ones, each of which a service must refuse as a whole: one reject, and on it goes.

`KINDS` makes one of each kind from a record as plain values; a kind that a record has no field for gives None.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import msgspec
import numpy as np

from streams.messages.codec import CONTENT_TYPE_HEADER, JSON_TYPE, SCHEMA_HEADER, split
from streams.messages.message import UNREADABLE
from streams.messages.rejects import Header

Record: TypeAlias = dict[str, Any]
Value: TypeAlias = bytes | None
TOMBSTONE = "no value"


class Sent(NamedTuple):
    """A message to be sent; `kind` is empty for a good one, `origin` the good value that it is or was made of."""

    kind: str
    value: Value
    headers: tuple[Header, ...]
    origin: bytes


def poisoned(good: Iterable[bytes], n_bad: int, seed: int) -> Iterator[Sent]:
    """All the good values in their order, and among them `n_bad` bad messages of all kinds.

    Args:
        good: Values of messages in msgpack, a record or a batch each; at least one.
        n_bad: How many bad ones.
        seed: Decides which come where.
    """
    values = list(good)
    rng = np.random.default_rng(seed)
    names = sorted(KINDS)
    n_before = np.bincount(rng.integers(0, len(values) + 1, n_bad), minlength=len(values) + 1)
    n_made = 0
    for place, n_here in enumerate(n_before):
        for _ in range(n_here):
            origin = values[int(rng.integers(len(values)))]
            made = None
            while made is None:
                name = names[n_made % len(names)]
                n_made += 1
                made = bad(name, origin, rng)
            yield made
        if place < len(values):
            yield Sent("", values[place], (), values[place])


def bad(kind: str, origin: bytes, rng: np.random.Generator) -> Sent | None:
    """One bad message of a kind, made of a good value; None where the record has nothing to make it of."""
    record = msgspec.msgpack.decode(split(origin)[0])
    made = KINDS[kind](record, rng)
    if made is None and kind != TOMBSTONE:
        return None
    headers = {
        "another content type": ((CONTENT_TYPE_HEADER, JSON_TYPE.encode()),),
        "a later major of the schema": ((SCHEMA_HEADER, b"2.0"),),
        "no schema at all": ((SCHEMA_HEADER, b"\xff\xfe"),),
        "what its reader could not read": ((UNREADABLE, b"a header's name is no UTF-8"),),
    }.get(kind, ())
    return Sent(kind, made, headers, origin)


def packed(record: Record, **changes: Any) -> bytes:
    """The record, changed."""
    return msgspec.msgpack.encode(record | changes)


def id_of(record: Record) -> str:
    return "source_id" if "modality" in record else "sample_id"


def with_id(text: str) -> Callable[[Record, np.random.Generator], Value]:
    return lambda record, rng: packed(record, **{id_of(record): text})


def number_of(record: Record) -> str:
    return "start_ns" if "start_ns" in record else "round"


def with_array(change: Callable[[Record], Mapping[str, Any]]) -> Callable[[Record, np.random.Generator], Value]:
    """With the first array of the record changed, as shape and data."""

    def made(record: Record, rng: np.random.Generator) -> Value:
        if "values" in record:
            return packed(record, values=dict(change(record["values"])))
        if "windows" not in record:
            return None
        name = min(record["windows"])
        return packed(record, windows=record["windows"] | {name: dict(change(record["windows"][name]))})

    return made


def floats(array: Mapping[str, Any], value: float) -> dict[str, Any]:
    """The array with one value put into it."""
    values = np.frombuffer(array["data"], "<f4").copy()
    values[len(values) // 2] = value
    return {"shape": array["shape"], "data": values.tobytes()}


def wider(array: Mapping[str, Any]) -> dict[str, Any]:
    """One more channel."""
    steps, channels = array["shape"]
    return {"shape": [steps, channels + 1], "data": bytes(4 * steps * (channels + 1))}


def cut(record: Record, rng: np.random.Generator) -> Value:
    whole = packed(record)
    return whole[: int(rng.integers(1, len(whole)))]


def unscaled(record: Record, rng: np.random.Generator) -> Value:
    """A sample whose scaling cannot be applied."""
    if "scaling" not in record:
        return None
    name = min(record["scaling"])
    scale = record["scaling"][name]["scale"]
    zeros = {"shape": scale["shape"], "data": bytes(len(scale["data"]))}
    return packed(record, scaling=record["scaling"] | {name: record["scaling"][name] | {"scale": zeros}})


def as_json(record: Record, text: str) -> bytes:
    """JSON in which the id is written as it stands here."""
    plain = {name: value for name, value in record.items() if isinstance(value, str | int)}
    field = id_of(record)
    return json.dumps(plain | {field: "@"}).replace('"@"', text).encode()


def without(record: Record, rng: np.random.Generator) -> Value:
    fields = ("source_id", "sample_id", "start_ns", "values", "windows", "scaling", "round", "outcome")
    lost = [name for name in fields if name in record]
    gone = lost[int(rng.integers(len(lost)))]
    return msgspec.msgpack.encode({name: value for name, value in record.items() if name != gone})


KINDS: dict[str, Callable[[Record, np.random.Generator], Value]] = {
    "nothing": lambda record, rng: b"",
    TOMBSTONE: lambda record, rng: None,
    "cut short": cut,
    "something behind it": lambda record, rng: packed(record) + rng.bytes(9),
    "random bytes": lambda record, rng: b"\xc1" + rng.bytes(int(rng.integers(1, 300))),
    "20 kB of nils": lambda record, rng: b"\xdc\x27\x10" + b"\xc0" * 10_000,
    "more records than allowed": lambda record, rng: b"\xdc\x27\x11" + b"\x80" * 10_001,
    "numbers": lambda record, rng: b"[" + b"1," * 100 + b"1]",
    "an array without end": lambda record, rng: b"\xdd\xff\xff\xff\xff" + packed(record),
    "a map without end": lambda record, rng: b"\xdf\xff\xff\xff\xff" + packed(record)[1:],
    "a length beyond the message": lambda record, rng: b"\x81\xa6values\xc6\xff\xff\xff\xff" + rng.bytes(20),
    "deep arrays": lambda record, rng: b"\x81\xa6values" + b"\x91" * 5_000,
    "deep maps": lambda record, rng: b"\x81\xa1a" * 5_000,
    "deep JSON": lambda record, rng: b'{"values":' + b"[" * 5_000,
    "endless digits": lambda record, rng: b'{"start_ns": ' + b"9" * 5_000 + b"}",
    "bad UTF-8": lambda record, rng: b"\x82\xa9source_id\xa2\xff\xfe\xa9sample_id\xa2\xff\xfe",
    "half a surrogate pair": lambda record, rng: as_json(record, '"\\ud800"'),
    "another content type": lambda record, rng: b"\x91" + packed(record),
    "a later major of the schema": lambda record, rng: packed(record),
    "no schema at all": lambda record, rng: packed(record),
    "what its reader could not read": lambda record, rng: packed(record),
    "a field is missing": without,
    "a list for an id": lambda record, rng: packed(record, **{id_of(record): [1]}),
    "an empty id": with_id(""),
    "an endless id": with_id("n" * 5_000),
    "a line's end in an id": with_id("node\n1"),
    "an escape in an id": with_id("\x1b[2Jnode"),
    "an end of a paragraph in an id": with_id("node\u20291"),
    "a negative number": lambda record, rng: packed(record, **{number_of(record): -1}),
    "a number of 64 bits": lambda record, rng: packed(record, **{number_of(record): (1 << 64) - 1}),
    "a float for a number": lambda record, rng: packed(record, **{number_of(record): 1.5}),
    "not a number": with_array(lambda array: floats(array, np.nan)),
    "an endless value": with_array(lambda array: floats(array, np.inf)),
    "a shape of 10^18": with_array(lambda array: {"shape": [10**9, 10**9], "data": array["data"]}),
    "a shape of 10^9 without data": with_array(lambda array: {"shape": [10**9, 0], "data": b""}),
    "a negative shape": with_array(lambda array: {"shape": [-1, -1], "data": array["data"]}),
    "data too short": with_array(lambda array: {"shape": array["shape"], "data": array["data"][:-1]}),
    "one more channel": with_array(wider),
    "no data": with_array(lambda array: {"shape": array["shape"]}),
    "a scale of 0": unscaled,
    "an endless label": lambda record, rng: None if "outcome" in record else packed(record, label="x" * 5_000),
    "a label of 64 bits": lambda record, rng: None if "outcome" in record else packed(record, label=(1 << 64) - 1),
    "an unknown outcome": lambda record, rng: packed(record, outcome="lost") if "outcome" in record else None,
}
