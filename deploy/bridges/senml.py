"""SenML packs in JSON (RFC 8428) as values at times. Performs no I/O."""

import re
from collections.abc import Mapping
from typing import Any

from deploy.bridges.measured import Measured
from streams.messages.rejects import InvalidRecord

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*")
BASES = ("bn", "bt", "bu", "bv", "bs", "bver")
FIELDS = frozenset({*BASES, "n", "u", "v", "vs", "vb", "vd", "s", "t", "ut"})
VERSION = 10
# RFC 8428, 4.5.3: smaller times count from now.
ABSOLUTE_S = 2**28


def parse_senml(pack: Any, now_ns: int) -> list[Measured]:
    """The numbers of a pack, those of one node and time together; a boolean is 0 or 1, text and data are passed over.

    The base name is the node, and a record's own name its channel; without a base name they part at the name's last
    `/` or `:`, and a name without one is a channel of no named node.

    Raises:
        InvalidRecord: If it is no pack: naming record, field and value.
    """
    if not isinstance(pack, list) or not pack:
        raise InvalidRecord("undecodable", "", type(pack).__name__, "a SenML pack: an array of records")
    base: dict[str, Any] = {}
    found: dict[tuple[str | None, int], Measured] = {}
    for number, record in enumerate(pack):
        _check(record, number)
        base |= {name: record[name] for name in BASES if name in record}
        value = _value(record, base, number)
        if value is None:
            continue
        node, channel = _names(base.get("bn", ""), record.get("n", ""), number)
        t_ns = _time_ns(base.get("bt", 0), record.get("t", 0), now_ns)
        one = found.setdefault((node, t_ns), Measured(t_ns, {}, node=node, units={}))
        one.values[channel] = value  # type: ignore[index]
        if unit := record.get("u", base.get("bu", "")):
            one.units[channel] = unit  # type: ignore[index]
    return sorted(found.values(), key=lambda one: one.t_ns)


def _check(record: Any, number: int) -> None:
    if not isinstance(record, dict):
        raise InvalidRecord("undecodable", f"record {number}", record, "an object")
    for name, value in record.items():
        kind: Any = (int, float) if name in ("bt", "bv", "bs", "bver", "v", "s", "t", "ut") else str
        kind = bool if name == "vb" else kind
        if name in FIELDS and (not isinstance(value, kind) or (isinstance(value, bool) and name != "vb")):
            raise InvalidRecord("undecodable", f"record {number}, {name}", value, "as RFC 8428 says")
        if name not in FIELDS and name.endswith("_"):
            raise InvalidRecord("undecodable", f"record {number}, {name}", value, "no field that must be understood")
    if record.get("bver", VERSION) > VERSION:
        raise InvalidRecord("undecodable", f"record {number}, bver", record["bver"], f"at most {VERSION}")


def _value(record: Mapping[str, Any], base: Mapping[str, Any], number: int) -> float | None:
    if "v" in record:
        return float(record["v"] + base.get("bv", 0))
    if "vb" in record:
        return float(record["vb"])
    if not record.keys() & {"vs", "vd", "s", "bs"} and not record.keys() <= set(BASES):
        raise InvalidRecord("undecodable", f"record {number}", sorted(record), "a value: v, vb, vs, vd or s")
    return None


def _names(base: str, own: str, number: int) -> tuple[str | None, str]:
    if not NAME.fullmatch(base + own):
        raise InvalidRecord("undecodable", f"record {number}, n", base + own, "a name of letters, digits and -:./_")
    if base and own:
        return base.rstrip("-:./_") or None, own
    parts = re.fullmatch(r"(?:(.*)[/:])?([^/:]*)", base + own)
    assert parts is not None
    return parts.group(1), parts.group(2) or base + own


def _time_ns(base_s: float, own_s: float, now_ns: int) -> int:
    # As a float, a Unix time in seconds is exact to a quarter of a microsecond.
    at_ns = (round(base_s * 1_000_000) + round(own_s * 1_000_000)) * 1_000
    return at_ns if base_s + own_s >= ABSOLUTE_S else now_ns + at_ns
