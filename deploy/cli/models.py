"""`mmbind models`: which versions there are, what they can do, and which channel points where."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.cli.output import ConfigOption, JsonOption, print_json, print_table, printable, utc
from deploy.errors import CommandError

if TYPE_CHECKING:
    from streams.models.channels import ChannelView

app = typer.Typer(no_args_is_help=True, help="The models: list them, show one.")


@app.command("list")
def list_models(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Lists all versions with the gate's word on them, and who moved which channel when, why and from what."""
    import msgspec

    from deploy.settings.config import load
    from deploy.topics.models_view import read_view

    view = read_view(load(config))
    rows = [_summary(view, version) for version in sorted(view.manifests)]
    if as_json:
        history = {name: [msgspec.to_builtins(move) for move in view.history(name)] for name in view.channels}
        print_json({"channels": view.channels, "versions": rows, "moves": history})
        return
    channels = ", ".join(f"{name} -> {version}" for name, version in view.channels.items()) or "none"
    print_table(f"Models (channels: {channels})", ("version", "made", "retrieval", "gate", "why"), [
        (one["version"], one["created"], one["retrieval"], one["gate"], one["reason"]) for one in rows
    ])  # fmt: skip
    moves = sorted((move for name in view.channels for move in view.history(name)), key=lambda move: move.at_ns)
    print_table("Moves", ("channel", "from", "to", "when", "who", "why"), [
        (move.channel, move.replaces, f"{move.version}{' pinned' if move.pinned else ''}", utc(move.at_ns // 10**6),
         printable(move.by), printable(move.reason)) for move in moves
    ])  # fmt: skip


@app.command()
def show(
    version: Annotated[int, typer.Argument(help="Its number.", min=1)],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows everything that a version says of itself."""
    import msgspec

    from deploy.settings.config import load
    from deploy.topics.models_view import read_view

    view = read_view(load(config))
    manifest, decision = view.manifests.get(version), view.decisions.get(version)
    if manifest is None:
        known = ", ".join(map(str, sorted(view.manifests))) or "none"
        raise CommandError(f"there is no version {version}; there are: {known}")
    told = {"manifest": msgspec.to_builtins(manifest), "decision": msgspec.to_builtins(decision)}
    if as_json:
        print_json(told)
        return
    rows = [(name, _short(value)) for name, value in told["manifest"].items() if name != "evaluation"]
    rows += [(name, f"{value:.4f}") for name, value in sorted(manifest.evaluation.items())]
    rows += [("gate", _gate(view, version)), ("why", decision.reason if decision else "")]
    print_table(f"Version {version}", ("what", "value"), rows)


def _summary(view: "ChannelView", version: int) -> dict[str, Any]:
    from datetime import UTC, datetime

    manifest, decision = view.manifests[version], view.decisions.get(version)
    figures = {
        kind: [v for k, v in manifest.evaluation.items() if k.startswith("retrieval/") and k.endswith(f"/{kind}")]
        for kind in ("cmap", "mrr")
    }
    kind = "cmap" if figures["cmap"] else "mrr"
    return {
        "version": version,
        "created": datetime.fromtimestamp(manifest.created_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "retrieval": f"{kind} {sum(figures[kind]) / len(figures[kind]):.3f}" if figures[kind] else "not judged",
        "gate": _gate(view, version),
        "reason": decision.reason if decision else "",
    }


def _gate(view: "ChannelView", version: int) -> str:
    decision = view.decisions.get(version)
    return "not judged yet" if decision is None else "passed" if decision.passed else "failed"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 300 else text[:297] + "..."
