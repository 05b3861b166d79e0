"""The `mmbind` command. Imports nothing heavy: each command does, when it runs.

Exit codes: 0 done, 1 it failed, 2 the settings or arguments are wrong, 3 the log no longer reaches back (`audit`),
130 interrupted.
"""

import os
import sys
from typing import Annotated, NoReturn

import typer

from deploy.cli import (
    audit,
    bridge,
    channels,
    config,
    data,
    downstream,
    embeddings,
    files,
    followers,
    keys,
    labels,
    models,
    rejects,
    run,
    simulation,
    sources,
    top,
    topics,
    trials,
)
from encoders.errors import MmbindError

app = typer.Typer(
    name="mmbind",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"mmbind {version('mmbind-stream')}, Python {sys.version.split()[0]}")
        raise typer.Exit


@app.callback()
def _of_all(
    version: Annotated[
        bool, typer.Option("--version", help="Say which version this is.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Continuous multimodal binding over Kafka: sensor windows in, models out."""


app.command()(run.demo)
app.command()(run.up)
app.command()(run.stream)
app.command()(run.train)
app.command()(top.top)
app.add_typer(topics.app, name="topics")
app.add_typer(models.app, name="models")
for command in channels.COMMANDS:
    models.app.command()(command)
models.app.command()(trials.rollout)
models.app.command()(trials.verify)
models.app.command()(keys.keygen)
app.add_typer(followers.app, name="followers")
app.command()(simulation.simulate)
app.command()(data.replay)
app.command("import")(files.import_files)
app.command()(files.discover)
app.command()(files.record)
app.command()(data.send)
app.command()(data.tail)
app.add_typer(bridge.app, name="bridge")
app.command()(audit.audit)
app.add_typer(rejects.app, name="rejects")
app.add_typer(sources.app, name="sources")
app.command()(downstream.embed)
app.add_typer(embeddings.app, name="embeddings")
app.command()(downstream.finetune)
app.add_typer(labels.app, name="labels")
app.add_typer(config.app, name="config")
app.command()(config.doctor)


def main() -> NoReturn:
    """Runs the command of the command line; failures that a person can act on become one sentence."""
    # Before numpy is loaded. With more threads its small products are slower, and their last bits differ from a replay
    # that has fewer; torch has threads of its own, see `runtime.threads`.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        app()
    except MmbindError as error:
        typer.echo(f"mmbind: {error}", err=True)
        sys.exit(error.exit_code)
    sys.exit(0)


if __name__ == "__main__":
    main()
