"""A picture for programs. Performs no I/O."""

from typing import Any

from deploy.top.advice import advice
from deploy.top.flow import Flow
from deploy.top.node import Node
from deploy.top.picture import Picture

TOLD_NODES = 1_000


def told(picture: Picture) -> dict[str, Any]:
    """All figures, the nodes with the most samples first; `is_exact` where everything in the topic was read."""
    said, move = picture.worker.precision, picture.trial
    return {
        "next": advice(picture),
        "worker": picture.worker.word,
        "trainer": picture.trainer.word,
        "samples": _flow(picture, picture.samples)
        | {"whole_share": picture.share("whole"), "single_share": picture.share("single")},
        "bindings": _flow(picture, picture.bindings) | {"outcomes": dict(picture.outcomes)},
        "pairs": _flow(picture, picture.pairs, picture.bindings),
        "precision": {"state": said.state, "value": said.value, "low": said.low, "high": said.high},
        "rejects": _flow(picture, picture.rejects) | {"reasons": dict(picture.reasons)},
        "versions": [_version(picture, version) for version in sorted(picture.view.manifests)],
        "served": picture.served,
        "on_trial": move.version if move is not None else None,
        "followers": [one.told() for one in picture.followers],
        "lag": {"worker": picture.worker.lag, "trainer": picture.trainer.lag},
        "n_nodes": len(picture.nodes),
        "nodes": [_node(picture, node) for node in picture.busiest[:TOLD_NODES]],
    }


def _flow(picture: Picture, flow: Flow, whole: Flow | None = None) -> dict[str, Any]:
    is_exact = (whole or flow).is_whole
    return {"total": flow.total, "per_s": flow.per_s(picture.now_ms, whole), "is_exact": is_exact}


def _version(picture: Picture, version: int) -> dict[str, Any]:
    decision = picture.view.decisions.get(version)
    return {
        "version": version,
        "passed": decision.passed if decision else None,
        "reason": decision.reason if decision else "",
    }


def _node(picture: Picture, node: Node) -> dict[str, Any]:
    return {
        "source_id": node.source_id,
        "modalities": list(node.modalities),
        "per_s": picture.rate(node),
        "heard_ms": node.heard_ms,
        "n_watched": node.n_watched,
        "n_whole": node.n_whole,
        "n_single": node.n_single,
        "held_out": node.is_held_out,
        "clock_gap_s": node.clock_gap_s,
    }
