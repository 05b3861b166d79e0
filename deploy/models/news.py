"""What happens to models, a line each, as it happens."""

import threading
from collections.abc import Iterator
from typing import Any

import msgspec

from encoders.manifest import ModelManifest
from streams.models.channels import ChannelView
from streams.models.log import ModelLog
from streams.records import ChannelMove, Decision


def news(log: ModelLog, stop: threading.Event, with_past: bool = False) -> Iterator[dict[str, Any] | None]:
    """Each version, decision and move that counts; None whenever nothing more is there at present.

    Args:
        log: The topic.
        stop: Ends it.
        with_past: Whether what was there before is told, too.
    """
    view, is_caught_up = ChannelView(), with_past
    for record in log.records(stop):
        if record is None:
            is_caught_up = True
            yield None
            continue
        refusal = view.apply(record.key, record.value, record.offset)
        if is_caught_up:
            told = _told(record.key.decode(errors="replace"), record.value)
            yield told | ({"refused": refusal.reason} if refusal else {})


def line_of(told: dict[str, Any]) -> str:
    """For people."""
    if "refused" in told:
        return f"{told['key']} changes nothing: {told['refused']}"
    what = {name: value for name, value in told.items() if name not in ("key", "what")}
    return f"{told['what']} {' '.join(f'{name}={value}' for name, value in what.items())}".rstrip()


def _told(key: str, value: bytes | None) -> dict[str, Any]:
    kind, number, *_ = [*key.split("/"), ""]
    if value is None:
        return {"key": key, "what": "withdrawn", kind: number}
    try:
        if kind == "version":
            manifest = msgspec.json.decode(value, type=ModelManifest)
            return {"key": key, "what": "version", "version": manifest.version, "parent": manifest.parent}
        if kind == "decision":
            decision = msgspec.json.decode(value, type=Decision)
            word = "passed" if decision.passed else "refused"
            return {"key": key, "what": word, "version": decision.version, "why": decision.reason}
        move = msgspec.json.decode(value, type=ChannelMove)
    except msgspec.MsgspecError as error:
        return {"key": key, "what": "unreadable", "why": str(error)}
    told = {"key": key, "what": "moved", "channel": move.channel, "version": move.version, "from": move.replaces}
    return told | {"by": move.by, "why": move.reason} | ({"pinned": True} if move.pinned else {})
