"""Telegraf's JSON output as values at times. Performs no I/O.

One metric, `{"fields": {...}, "name": "imu", "tags": {...}, "timestamp": 1458229140}`, or with `batch` several below
`metrics`. Timestamps are in s unless `json_timestamp_units` says so: their magnitude tells.
"""

from typing import Any

from deploy.bridges.measured import Measured
from deploy.tables.times import unix_ns
from streams.messages.rejects import InvalidRecord

NODE_TAGS = ("node", "node_id", "source_id", "device", "device_id", "host")


def parse_telegraf(document: dict[str, Any]) -> list[Measured]:
    """The numbers of each metric; fields of text are passed over, a boolean is 0 or 1.

    The node is the tag `node`, `source_id`, `device` or `host`, the first that is there.

    Raises:
        InvalidRecord: Naming field and value, and what was wanted.
    """
    metrics = document.get("metrics", [document])
    if not isinstance(metrics, list):
        raise InvalidRecord("undecodable", "metrics", metrics, "an array of metrics")
    return [_measured(metric) for metric in metrics]


def _measured(metric: Any) -> Measured:
    if not isinstance(metric, dict):
        raise InvalidRecord("undecodable", "metrics", metric, "objects")
    for name, kind in (("fields", dict), ("name", str), ("tags", dict)):
        if not isinstance(metric.get(name, kind()), kind):
            raise InvalidRecord("undecodable", name, metric[name], "a string" if kind is str else "an object")
    at = metric.get("timestamp")
    if isinstance(at, bool) or not isinstance(at, int | float):
        raise InvalidRecord("time", "timestamp", at, "a Unix time")
    try:
        t_ns = unix_ns(at)
    except ValueError as error:
        raise InvalidRecord("time", "timestamp", at, "a Unix time in s, ms, us or ns") from error
    tags = metric.get("tags", {})
    node = next((str(tags[name]) for name in NODE_TAGS if tags.get(name)), None)
    fields = metric.get("fields", {})
    values = {name: float(value) for name, value in fields.items() if isinstance(value, int | float)}
    return Measured(t_ns, values, node=node, name=metric.get("name") or None)
