"""What a payload says, whichever of the formats it is in: SenML, Telegraf's JSON, or plain JSON. Performs no I/O.

Plain JSON is `{"t": 1700000000.5, "values": [0.1, 0.2, 9.8]}`, also with several samples `[n, C]` from `t` on at the
modality's rate, or with channels by name: `{"t": ..., "ax": 0.1, "ay": 0.2, "az": 9.8}`. `node` and `modality` may
stand beside; `t` is a Unix time or ISO 8601, and without it the time of arrival.
"""

import json
from typing import Any

from deploy.bridges.measured import Measured
from deploy.bridges.senml import parse_senml
from deploy.bridges.telegraf import parse_telegraf
from deploy.tables.times import parse_time, unix_ns
from streams.messages.rejects import InvalidRecord

TIMES = ("t", "time", "timestamp", "ts")
NODES = ("node", "node_id", "source_id", "device", "device_id")
KINDS = ("modality", "sensor")


def parse(payload: bytes, now_ns: int) -> list[Measured]:
    """The values that a payload has.

    Raises:
        InvalidRecord: If it is in none of the formats; names field and value, and what was wanted.
    """
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise InvalidRecord("undecodable", "", payload[:40], "JSON") from error
    try:
        return _measured(document, now_ns)
    except (OverflowError, ValueError) as error:  # numbers that no float or no time can be
        raise InvalidRecord("undecodable", "", error, "finite numbers") from error


def _measured(document: Any, now_ns: int) -> list[Measured]:
    if isinstance(document, list):
        return parse_senml(document, now_ns)
    if not isinstance(document, dict):
        raise InvalidRecord("undecodable", "", document, "an object, or a SenML pack")
    if "fields" in document or "metrics" in document:
        return parse_telegraf(document)
    return [_plain(document, now_ns)]


def _plain(document: dict[str, Any], now_ns: int) -> Measured:
    t_ns = _time_ns(document, now_ns)
    node, name = (
        next((str(document[one]) for one in names if document.get(one) not in (None, "")), None)
        for names in (NODES, KINDS)
    )
    if "values" in document:
        return Measured(t_ns, rows=document["values"], node=node, name=name)
    own = {*TIMES, *NODES, *KINDS}
    values = {one: float(v) for one, v in document.items() if one not in own and isinstance(v, int | float)}
    if not values:
        raise InvalidRecord("undecodable", "values", sorted(document), "numbers")
    return Measured(t_ns, values, node=node, name=name)


def _time_ns(document: dict[str, Any], now_ns: int) -> int:
    name = next((one for one in TIMES if one in document), None)
    if name is None:
        return now_ns
    given = document[name]
    try:
        return parse_time(given) if isinstance(given, str) else unix_ns(given)
    except (ValueError, TypeError) as error:
        raise InvalidRecord("time", name, given, "a Unix time in s, ms, us or ns, or ISO 8601") from error
