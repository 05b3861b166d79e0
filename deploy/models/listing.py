"""Versions and moves as a person, or a program, lists them. Performs no I/O and reads no clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from encoders.manifest import ModelManifest
from streams.models.channels import ChannelView

# Of a reason in a list; `show` has it whole.
MAX_WORDS = 10
MAX_NAME = 16

VERSION_COLUMNS = ("version", "made", "retrieval", "gate", "why")
MOVE_COLUMNS = ("channel", "from", "to", "when", "who", "why")


def summary(view: ChannelView, version: int) -> dict[str, Any]:
    """What a list says of a version, for programs."""
    manifest, decision = view.manifests[version], view.decisions.get(version)
    return {
        "version": version,
        "created": utc_of(manifest.created_ns),
        "retrieval": _retrieval(manifest),
        "gate": gate_word(view, version),
        "reason": decision.reason if decision else "",
    }


def version_rows(view: ChannelView, ago: Callable[[int], str]) -> list[tuple[str, ...]]:
    """A row for each version, in the order of VERSION_COLUMNS.

    Args:
        ago: Says how long ago a time in ns was.
    """
    told = [(view.manifests[version], summary(view, version)) for version in sorted(view.manifests)]
    return [
        (str(one["version"]), ago(manifest.created_ns), one["retrieval"], one["gate"], short(one["reason"]))
        for manifest, one in told
    ]


def move_rows(view: ChannelView, ago: Callable[[int], str]) -> list[tuple[str, ...]]:
    """A row for each move, oldest first, in the order of MOVE_COLUMNS."""
    moves = sorted((move for name in view.channels for move in view.history(name)), key=lambda move: move.at_ns)
    return [
        (
            move.channel,
            str(move.replaces or "none"),
            f"{move.version or 'none'}{' pinned' if move.pinned else ''}",
            ago(move.at_ns),
            move.by if len(move.by) <= MAX_NAME else move.by[: MAX_NAME - 1] + "…",
            short(move.reason),
        )
        for move in moves
    ]


def utc_of(at_ns: int) -> str:
    """A Unix time in ns, as people read it."""
    return datetime.fromtimestamp(at_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")


def gate_word(view: ChannelView, version: int) -> str:
    """What became of it at the gate."""
    decision = view.decisions.get(version)
    return "not judged yet" if decision is None else "passed" if decision.passed else "failed"


def short(reason: str) -> str:
    """Its first words."""
    words = reason.split()
    return " ".join(words) if len(words) <= MAX_WORDS else f"{' '.join(words[:MAX_WORDS])} …"


def _retrieval(manifest: ModelManifest) -> str:
    for kind in ("cmap", "mrr"):
        ends = f"/{kind}"
        found = [v for k, v in manifest.evaluation.items() if k.startswith("retrieval/") and k.endswith(ends)]
        if found:
            return f"{kind} {sum(found) / len(found):.3f}"
    return "not judged"
