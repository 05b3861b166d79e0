"""What payloads say, in each format."""

import json
from typing import Any

import pytest

from deploy.bridges.measured import Measured
from deploy.bridges.payload import parse
from streams.messages.rejects import InvalidRecord

NOW_NS = 1_800_000_000 * 10**9
T_NS = 1_700_000_000 * 10**9


def parsed(document: Any) -> list[Measured]:
    return parse(json.dumps(document).encode(), NOW_NS)


def said(document: Any) -> list[tuple[str | None, int, dict[str, float]]]:
    return [(one.node, one.t_ns, dict(one.values)) for one in parsed(document)]


def test_base_fields_of_a_senml_pack_hold_until_they_change() -> None:
    pack = [
        {"bn": "node-7/", "bt": 1.7e9, "bu": "m/s2", "bver": 10, "n": "ax", "v": 1},
        {"n": "ay", "v": 2, "u": "g"},
        {"n": "ax", "v": 3, "t": 0.02},
        {"bn": "urn:dev:ow:10e2:", "bv": 10, "n": "temp", "v": -1.5, "t": -1},
    ]
    assert said(pack) == [
        ("urn:dev:ow:10e2", T_NS - 10**9, {"temp": 8.5}),
        ("node-7", T_NS, {"ax": 1.0, "ay": 2.0}),
        ("node-7", T_NS + 20_000_000, {"ax": 3.0}),
    ]
    assert parsed(pack)[1].units == {"ax": "m/s2", "ay": "g"}


def test_senml_without_a_time_or_with_a_small_one_counts_from_now() -> None:
    assert said([{"n": "a/x", "v": 1}, {"n": "a/x", "v": 2, "t": -5}]) == [
        ("a", NOW_NS - 5 * 10**9, {"x": 2.0}),
        ("a", NOW_NS, {"x": 1.0}),
    ]


def test_the_example_of_the_rfc_is_understood() -> None:
    # RFC 8428, 5.1.3, shortened.
    pack = [
        {"bn": "urn:dev:ow:10e2073a0108006:", "bt": 1.276020076001e9, "bu": "A", "bver": 5},
        {"n": "voltage", "u": "V", "v": 120.1},
        {"n": "current", "t": -5, "v": 1.2},
        {"n": "current", "v": 1.7},
        {"n": "note", "vs": "text"},
        {"n": "open", "vb": True},
    ]
    at_ns = 1_276_020_076_001_000_000
    assert said(pack) == [
        ("urn:dev:ow:10e2073a0108006", at_ns - 5 * 10**9, {"current": 1.2}),
        ("urn:dev:ow:10e2073a0108006", at_ns, {"voltage": 120.1, "current": 1.7, "open": 1.0}),
    ]


def test_telegrafs_metrics_are_read_one_or_many() -> None:
    metric = {"fields": {"ax": 1, "ay": 2.5, "ok": True, "state": "on"}, "name": "imu", "tags": {"host": "raspi"}}
    (one,) = parsed(metric | {"timestamp": 1_700_000_000})
    assert (one.node, one.name, one.t_ns, dict(one.values)) == ("raspi", "imu", T_NS, {"ax": 1, "ay": 2.5, "ok": 1})
    many = {"metrics": [metric | {"timestamp": 1_700_000_000_000}, metric | {"timestamp": T_NS, "tags": {"node": "n"}}]}
    assert [(one.node, one.t_ns) for one in parsed(many)] == [("raspi", T_NS), ("n", T_NS)]


def test_plain_json_has_values_in_order_or_by_name() -> None:
    (one,) = parsed({"t": 1_700_000_000.0, "values": [1, 2, 3], "node": "n", "modality": "acc"})
    assert (one.t_ns, one.rows, one.node, one.name) == (T_NS, [1, 2, 3], "n", "acc")
    (two,) = parsed({"timestamp": "2023-11-14T22:13:20Z", "ax": 1, "unit": "g"})
    assert (two.t_ns, two.values, two.rows) == (T_NS, {"ax": 1.0}, None)
    assert parsed({"values": [1]})[0].t_ns == NOW_NS


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("text", "record: undecodable: text, wanted an object, or a SenML pack"),
        ([], "record: undecodable: list, wanted a SenML pack: an array of records"),
        ([1], "record 0: undecodable: 1, wanted an object"),
        ([{"n": "a"}], "record 0: undecodable: ['n'], wanted a value: v, vb, vs, vd or s"),
        ([{"n": "a", "v": "1"}], "record 0, v: undecodable: 1, wanted as RFC 8428 says"),
        ([{"n": "a", "v": True}], "record 0, v: undecodable: True, wanted as RFC 8428 says"),
        ([{"n": "a b", "v": 1}], "record 0, n: undecodable: a b, wanted a name of letters, digits"),
        ([{"v": 1}], "record 0, n: undecodable: , wanted a name of letters, digits"),
        ([{"n": "a", "v": 1, "new_": 2}], "record 0, new_: undecodable: 2, wanted no field that must be understood"),
        ([{"n": "a", "v": 1, "bver": 11}], "record 0, bver: undecodable: 11, wanted at most 10"),
        ([{"n": "a", "v": 10**400}], "record: undecodable: int too large to convert to float, wanted finite"),
        ({"fields": 1, "timestamp": 1}, "fields: undecodable: 1, wanted an object"),
        ({"fields": {"a": 1}}, "timestamp: time: None, wanted a Unix time"),
        ({"fields": {"a": 1}, "timestamp": 5}, "timestamp: time: 5, wanted a Unix time in s, ms, us or ns"),
        ({"metrics": [1]}, "metrics: undecodable: 1, wanted objects"),
        ({"t": 5, "values": [1]}, "t: time: 5, wanted a Unix time in s, ms, us or ns, or ISO 8601"),
        ({"t": "noon", "values": [1]}, "t: time: noon, wanted a Unix time"),
        ({"t": [1], "values": [1]}, "t: time: [1], wanted a Unix time"),
        ({"t": 1_700_000_000, "note": "hi"}, "values: undecodable: ['note', 't'], wanted numbers"),
    ],
)
def test_what_cannot_be_read_is_named(document: Any, message: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        parsed(document)
    assert caught.value.detail.startswith(message)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="wanted JSON"):
        parse(b"\xff{", NOW_NS)
