"""Records survive the wire."""

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from encoders.scaling import Scaling
from streams.messages.codec import (
    MAX_RECORDS,
    Format,
    Limits,
    batches,
    decode,
    decode_window,
    encode,
    encode_batch,
    split,
)
from streams.messages.rejects import InvalidRecord
from streams.records import Binding, Partner, Sample, SensorWindow

FORMS: list[Format] = ["msgpack", "json"]
VALUES = arrays(
    np.float32, st.tuples(st.integers(0, 7), st.integers(1, 4)), elements=st.floats(-(2.0**100), 2.0**100, width=32)
)
RECORD = {"source_id": "node-1", "modality": "gravity", "start_ns": 5}


def floats(*values: Any) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def window(values: np.ndarray, **fields: Any) -> SensorWindow:
    return SensorWindow(source_id="node-1", modality="gravity", start_ns=5, values=values, **fields)


@pytest.mark.parametrize("form", FORMS)
@given(values=VALUES, label=st.none() | st.integers(-(2**60), 2**60) | st.text(max_size=5))
def test_a_window_survives_the_wire(form: Format, values: np.ndarray, label: int | str | None) -> None:
    sent = window(values, label=label, window_id="w")
    got = decode_window(encode(sent, form))
    assert (got.source_id, got.modality, got.start_ns, got.window_id, got.label) == ("node-1", "gravity", 5, "w", label)
    assert got.values.dtype == np.float32
    # An empty list no longer says how many channels it had.
    assert got.values.tolist() == values.tolist()


@pytest.mark.parametrize("form", FORMS)
def test_a_sample_and_a_binding_survive_the_wire(form: Format) -> None:
    scaling = Scaling(center=floats(1, 2), scale=floats(3, 4), n_windows=7)
    sample = Sample(
        sample_id="a@1",
        source_id="a",
        start_ns=2**62,
        windows={"m": np.ones((3, 2), np.float32)},
        scaling={"m": scaling},
    )
    got = decode(encode(sample, form), Sample)
    assert got.scaled("m").tolist() == sample.scaled("m").tolist()
    assert (got.scaling["m"].n_windows, got.start_ns, got.held_out, got.label) == (7, 2**62, False, None)
    partner = Partner(sample_id="b@1", similarity=0.1, probability=0.2)
    binding = Binding(
        sample_id="a@1", round=1, model_version=3, outcome="bound", partners=(partner,), worker="w", sequence=9
    )
    assert decode(encode(binding, form), Binding) == binding


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [0, 1, 15, 16, 300])
def test_a_batch_is_split_into_the_records_as_they_were(form: Format, n: int) -> None:
    records = [window(floats([i])) for i in range(n)]
    assert split(encode_batch(records, form)) == [encode(record, form) for record in records]


def test_a_large_batch_is_split_into_its_records() -> None:
    binding = Binding(sample_id="a", round=1, model_version=0, outcome="alone")
    raws = split(encode_batch([binding] * 70_000), limits=Limits(max_records=70_000))
    assert raws == [encode(binding)] * 70_000


@pytest.mark.parametrize("form", FORMS)
@given(sizes=st.lists(st.integers(0, 60), max_size=30), max_bytes=st.integers(90, 600))
def test_batches_keep_order_and_the_limit(form: Format, sizes: list[int], max_bytes: int) -> None:
    records = [window(np.zeros((size, 1), np.float32), label=i) for i, size in enumerate(sizes)]
    made = list(batches(records, max_bytes, form))
    assert [record.label for some, _ in made for record in some] == list(range(len(sizes)))
    for some, value in made:
        assert split(value) == [encode(record, form) for record in some]
        assert len(value) <= max_bytes or len(some) == 1


def test_a_message_of_one_record_is_handed_on_as_it_came() -> None:
    value = b' {"source_id": "a"} '
    assert split(value) == [value]


@pytest.mark.parametrize(
    ("values", "shape"),
    [([1, 2.5], (2, 1)), ([[1], [2]], (2, 1)), ([[1, 2]], (1, 2)), ({"shape": [2], "data": "AACAPwAAgD8="}, (2, 1))],
)
def test_values_are_read_in_every_form(values: Any, shape: tuple[int, int]) -> None:
    record = {**RECORD, "values": values, "from_a_later_version": {"x": [1]}}
    assert decode_window(json.dumps(record).encode()).values.shape == shape
    assert decode_window(msgspec.msgpack.encode(record)).values.shape == shape


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([[1], [2, 3]], "shape"),
        ([[1], 2], "undecodable"),
        (["1"], "undecodable"),
        ([True], "undecodable"),
        ("abc", "undecodable"),
        ({"shape": [2, 1], "data": b"1234567"}, "shape"),
        ({"shape": [-1, -2], "data": b"12345678"}, "shape"),
        ({"shape": [0, 2**63], "data": b""}, "shape"),
        ({"shape": [0, 2**62], "data": b""}, "shape"),
        ({"shape": "x", "data": b""}, "undecodable"),
        ({}, "undecodable"),
        ([[[1.0]]], "undecodable"),
    ],
)
def test_values_of_no_known_form_are_refused_by_name(values: Any, reason: str) -> None:
    with pytest.raises(InvalidRecord) as refusal:
        decode_window(msgspec.msgpack.encode({**RECORD, "values": values}))
    assert (refusal.value.reason, refusal.value.field) == (reason, "values")


def test_a_missing_or_mistyped_field_is_named() -> None:
    for field in RECORD:
        record = {**RECORD, "values": [1.0]}
        record[field] = [3]
        with pytest.raises(InvalidRecord) as mistyped:
            decode_window(msgspec.msgpack.encode(record))
        del record[field]
        with pytest.raises(InvalidRecord) as missing:
            decode_window(json.dumps(record).encode())
        assert mistyped.value.field == missing.value.field == field


def test_pythons_nan_in_json_costs_one_record_and_not_its_neighbours() -> None:
    raws = split(
        json.dumps([{**RECORD, "values": [1.0, bad]} for bad in (2.0, float("nan"), float("-inf"), 3.0)]).encode()
    )
    assert [bool(np.isfinite(decode_window(raw).values).all()) for raw in raws] == [True, False, False, True]


def test_a_number_beyond_float32_becomes_infinite() -> None:
    assert np.isinf(decode_window(json.dumps({**RECORD, "values": [1e300]}).encode()).values).all()


def test_the_header_decides_before_the_first_byte() -> None:
    with pytest.raises(InvalidRecord):
        split(b"[1, 2", "application/json; charset=utf-8")
    assert split(b"\x92\x80\x80", "application/msgpack") == [b"\x80", b"\x80"]
    assert split(b"\xef\xbb\xbf [{}, 2]") == [b"{}", b"2"]


@pytest.mark.parametrize(
    "value",
    [
        b"\xdd\x00\x03\x0d\x40" + b"\xc0" * 200_000,
        b"[" + b"null," * 5000 + b"null]",
        b"[1, 2]",
        b"[NaN, 1]",
        b"\x91\x07",
    ],
)
def test_an_array_without_a_record_is_refused_whole(value: bytes) -> None:
    with pytest.raises(InvalidRecord) as refusal:
        split(value, limits=Limits(max_records=1_000_000))
    assert refusal.value.reason == "undecodable"


def test_one_that_is_no_record_costs_only_itself() -> None:
    assert split(b"\x93\x80\xc0\x80") == [b"\x80", b"\xc0", b"\x80"]
    assert split(b'[{}, null, {"a": NaN}]') == [b"{}", b"null", b'{"a": NaN}']


@pytest.mark.parametrize(
    "value", [b"\xdc\x00\x0b" + b"\x80" * 11, b"[" + b"{}," * 10 + b"{}]", b"[" + b'{"a":NaN},' * 10 + b"{}]"]
)
def test_more_records_than_allowed_are_refused_whole(value: bytes) -> None:
    assert len(split(value, limits=Limits(max_records=11))) == 11
    with pytest.raises(InvalidRecord) as refusal:
        split(value, limits=Limits(max_records=10))
    assert refusal.value.reason == "too-large"


def test_an_array_that_claims_to_be_endless_costs_nothing() -> None:
    with pytest.raises(InvalidRecord) as refusal:
        split(b"\xdd\xff\xff\xff\xff" + b"\x80" * 100)
    assert refusal.value.reason == "too-large"


def test_what_we_write_ourselves_holds_no_more_records_than_are_read() -> None:
    records = [Binding(sample_id="a", round=1, model_version=0, outcome="alone")] * (MAX_RECORDS + 1)
    assert [len(split(value)) for _, value in batches(records, 100_000_000)] == [MAX_RECORDS, 1]
