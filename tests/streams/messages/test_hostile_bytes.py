"""No bytes can do worse to a decoder than be refused."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.messages.codec import Format, decode, decode_window, encode_batch, split
from streams.messages.rejects import InvalidRecord
from streams.records import Binding, Sample, SensorWindow

FORMS: list[Format] = ["msgpack", "json"]
RECORD = {"source_id": "node-1", "modality": "gravity", "start_ns": 5}
GOOD = SensorWindow(**RECORD, values=np.eye(2, dtype=np.float32), label="x")  # type: ignore[arg-type]
HOSTILE = {
    "nothing": b"",
    "an array header without end": b"\xdd\xff\xff\xff\xff",
    "a map header without end": b"\xdf\xff\xff\xff\xff",
    "a bin header without end": b"\xc6\xff\xff\xff\xff",
    "deep JSON arrays": b"[" * 100_000,
    "deep JSON objects": b'{"a":' * 100_000,
    "deep values": b'[{"values":' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
    "deep msgpack arrays": b"\x91" * 100_000,
    "deep msgpack maps": b"\x81\xa1a" * 100_000,
    "bad UTF-8 in JSON": b'[{"source_id": "\xff"}]',
    "bad UTF-8 in msgpack": b"\x91\x81\xa9source_id\xa1\xff",
    "bad UTF-8 in a key": b"\x81\xa1\xff\x01",
    "a map as a key": b"\x81\x81\x01\x01\x01",
    "a map as a key inside values": b"\x81\xa6values\x81\x81\x01\x01\x01",
    "an endless number": b'{"start_ns": ' + b"9" * 5000 + b"}",
    "a far exponent": b'{"start_ns": 1e999999}',
    "two arrays": b"[][]",
    "an array of garbage": b'[{"values": NaN}, garbage]',
    "a lone surrogate": b'[{"source_id": "\\ud800", "x": NaN}]',
    "no bytes after the mark": b"\xef\xbb\xbf",
    "5 MB of garbage": b"\xc1" * 5_000_000,
    "1 MB of commas": b"[NaN" + b",1" * 500_000,
}


def records_or_refusal(value: bytes, content_type: str | None = None) -> list[Any]:
    read: list[Callable[[bytes], object]] = [
        decode_window,
        lambda raw: decode(raw, Sample),
        lambda raw: decode(raw, Binding),
    ]
    try:
        raws = split(value, content_type)
    except InvalidRecord as refusal:
        return [refusal.detail]
    got = []
    for raw in raws[:20]:
        for as_read in read:
            try:
                got.append(as_read(raw))
            except InvalidRecord as refusal:
                got.append(refusal.detail)
    return got


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_are_refused(name: str) -> None:
    assert all(isinstance(one, str) and len(one) < 400 for one in records_or_refusal(HOSTILE[name]))


@given(st.binary(max_size=200), st.sampled_from([None, "application/json", "application/msgpack", "text/plain"]))
@settings(max_examples=300)
def test_any_bytes_give_records_or_a_refusal(value: bytes, content_type: str | None) -> None:
    records_or_refusal(value, content_type)


@given(st.data(), st.sampled_from(FORMS))
@settings(max_examples=300)
def test_any_damage_to_a_good_message_gives_records_or_a_refusal(data: st.DataObject, form: Format) -> None:
    value = bytearray(encode_batch([GOOD] * 3, form))
    for _ in range(data.draw(st.integers(1, 4))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    records_or_refusal(bytes(value[: data.draw(st.integers(0, len(value)))]))


JSONISH = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3) | st.sampled_from(["shape", "data"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*RECORD, "values", "label", "window_id", "windows", "scaling"]), JSONISH))
@settings(max_examples=300)
def test_any_types_in_any_field_give_records_or_a_refusal(record: dict[str, Any]) -> None:
    records_or_refusal(msgspec.msgpack.encode([{**RECORD, "values": [1.0], **record}]))
    records_or_refusal(msgspec.json.encode([{**RECORD, "values": [1.0], **record}]))
