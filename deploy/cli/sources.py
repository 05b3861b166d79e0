"""`mmbind sources`: which there are, and forgetting one."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.cli.output import ConfigOption, JsonOption, print_json, print_table, utc
from deploy.printable import printable

if TYPE_CHECKING:
    from deploy.topics.sources import Source

app = typer.Typer(no_args_is_help=True, help="The sources: list them, forget one.")

NO_SAMPLES = "there is no sample of it in the log: is the id right?"


@app.command("list")
def list_sources(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Lists the sources whose samples are in the log, and those that are forgotten."""
    from deploy.settings.config import load
    from deploy.topics.sources import forgotten_sources, known_sources, listed

    settings = load(config)
    rows = listed(known_sources(settings), forgotten_sources(settings))
    if as_json:
        print_json({"sources": [_told(*row) for row in rows]})
        return
    columns = ("source_id", "samples", "last", "held_out", "forgotten")
    print_table("Sources", columns, ([_cell(_told(*row)[name]) for name in columns] for row in rows))


@app.command()
def forget(
    source_id: Annotated[str, typer.Argument(help="Its id.")],
    undo: Annotated[bool, typer.Option("--undo", help="Take it back: what comes from now on is used again.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Has a source leave history, replay and future pairs, and says which versions learned from it."""
    from deploy.settings.config import load
    from deploy.topics.models_view import read_view
    from deploy.topics.sources import Source, known_sources, say_forgotten, versions_trained_on

    settings = load(config)
    say_forgotten(settings, source_id, time.time_ns(), undo)
    n_samples = known_sources(settings).get(source_id, Source()).n_samples
    versions = versions_trained_on(read_view(settings).manifests, source_id)
    if as_json:
        print_json({"source_id": source_id, "forgotten": not undo, "samples": n_samples, "versions": versions})
        return
    typer.echo(f"{source_id} is {'no longer ' * undo}forgotten")
    typer.echo(f"samples of it in the log: {n_samples}, until they are deleted by age" if n_samples else NO_SAMPLES)
    typer.echo(f"versions that learned from it: {', '.join(map(str, versions)) or 'none'}")


def _told(name: str, source: "Source", is_forgotten: bool) -> dict[str, Any]:
    return {
        "source_id": name,
        "samples": source.n_samples,
        "last": utc(source.last_ns // 1_000_000) if source.n_samples else None,
        "held_out": source.is_held_out,
        "forgotten": is_forgotten,
    }


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else printable(str(value))
