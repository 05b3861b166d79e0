"""`mmbind models keygen`: a key with which the trainer signs its versions."""

import json
from pathlib import Path
from typing import Annotated

import typer


def keygen(folder: Annotated[Path, typer.Argument(help="Where the two files are made.")] = Path()) -> None:
    """Makes the key pair by which followers know the trainer's versions, and says which settings name it."""
    from deploy.models.keys import make_keys

    private, public = make_keys(folder)
    typer.echo(f"{private}: the private half; it stays where the trainer runs")
    typer.echo(f"{public}: the public half; copy it to every worker and follower")
    typer.echo("In mmbind.toml:\n\n[registry]")
    for name, path, whose in (("signing_key_file", private, "the trainer's"), ("public_key_file", public, "all")):
        typer.echo(f"{name} = {json.dumps(str(path), ensure_ascii=False)}  # {whose}")
