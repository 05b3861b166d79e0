"""`mmbind models`: which versions there are, what they can do, and which channel points where."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.channels import Version
from deploy.cli.downstream import RootOption
from deploy.cli.output import ConfigOption, JsonOption, folder_to_write, print_json, print_table
from deploy.errors import WrongInput
from deploy.printable import printable

# What only the topic knows.
NOT_JUDGED = {"gate": None, "reason": None}

app = typer.Typer(no_args_is_help=True, help="The models: list them, show one, export one.")


@app.command("list")
def list_models(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Lists all versions with the gate's word on them, and who moved which channel when, why and from what.

    Reasons are cut short: `show` has them whole. While the broker is away it lists what lies in the registry.
    """
    import msgspec

    from deploy.followers.standing import since
    from deploy.models.listing import MOVE_COLUMNS, VERSION_COLUMNS, move_rows, summary, version_rows
    from deploy.models.reading import read_or_look
    from deploy.settings.config import load

    view, missing = read_or_look(load(config))
    if missing:
        typer.echo(f"mmbind: {missing}", err=True)
    if as_json:
        rows = [summary(view, version) for version in sorted(view.manifests)]
        moves = {name: [msgspec.to_builtins(move) for move in view.history(name)] for name in view.channels}
        if missing:
            unknown = {"channels": None, "moves": None}
            print_json({"source": "registry", **unknown, "versions": [one | NOT_JUDGED for one in rows]})
        else:
            print_json({"source": "broker", "channels": view.channels, "moves": moves, "versions": rows})
        return
    now_ns = time.time_ns()
    versions, n_known = version_rows(view, lambda ns: since(ns, now_ns)), 3 if missing else len(VERSION_COLUMNS)
    channels = ", ".join(f"{name} -> {version}" for name, version in view.channels.items()) or "none"
    title = f"Models (channels: {'unknown' if missing else channels})"
    _print_list(title, VERSION_COLUMNS[:n_known], [row[:n_known] for row in versions])
    if not missing:
        _print_list("\nMoves", MOVE_COLUMNS, move_rows(view, lambda ns: since(ns, now_ns)))


@app.command()
def show(version: Version, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Shows everything that a version says of itself, and every word of the gate and of who moved a channel to it."""
    import msgspec

    from deploy.models.details import detail_rows
    from deploy.models.usable import number_of
    from deploy.settings.config import load
    from deploy.topics.models_view import read_view

    view = read_view(load(config))
    number = number_of(view, version)
    manifest, decision = view.manifests[number], view.decisions.get(number)
    told = {"manifest": msgspec.to_builtins(manifest), "decision": msgspec.to_builtins(decision)}
    if as_json:
        print_json(told)
        return
    _print_list(f"Version {number}", ("what", "value"), detail_rows(view, number))


@app.command()
def export(
    version: Annotated[int, typer.Argument(help="Its number.", min=1)],
    form: Annotated[str, typer.Option("--format", help="onnx: for processes without torch.")] = "onnx",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The folder to write; else vN-onnx.", callback=folder_to_write, show_default=False),
    ] = None,
    root: RootOption = None,
    config: ConfigOption = None,
) -> None:
    """Writes a version's encoders for another runtime, once they are known to give the same vectors to 1e-5."""
    if form != "onnx":
        raise WrongInput(f"--format {form}: wanted onnx")
    from deploy.downstream.published import find_bundle
    from deploy.models.export import export_onnx
    from deploy.settings.config import load

    bundle = find_bundle(load(config), version, None, root)
    folder = out or Path(f"v{version}-onnx")
    difference = export_onnx(bundle, folder)
    names = ", ".join(sorted(bundle.weights))
    typer.echo(f"version {version}, {names}: {folder}; vectors differ by {difference:.0e} at most")


def _print_list(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    print_table(title, columns, [[printable(cell) for cell in row] for row in rows], flexible=columns[-1])
