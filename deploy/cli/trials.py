"""`mmbind models rollout` and `verify`: a version tried by some consumers, and one trained again."""

from typing import Annotated

import typer

from deploy.cli.channels import ByOption, ForceOption, ReasonOption, Version, who
from deploy.cli.output import ConfigOption, JsonOption, print_json
from deploy.errors import WrongInput


def rollout(
    version: Annotated[str | None, typer.Argument(help="As for promote.", show_default=False)] = None,
    canary: Annotated[float, typer.Option("--canary", help="Of the followers, in percent.", min=0.1, max=100)] = 10.0,
    lasting: Annotated[str, typer.Option("--for", help="How long: 30s, 10m, 2h.")] = "10m",
    min_calls: Annotated[int, typer.Option("--min-calls", help="Without so many there is no verdict.", min=1)] = 100,
    serve: Annotated[bool, typer.Option("--serve", help="They hand out its results, too.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Ends the trial that is on.")] = False,
    force: ForceOption = False,
    reason: ReasonOption = "",
    by: ByOption = "",
    config: ConfigOption = None,
) -> None:
    """Has some followers try a version; the trainer promotes it, or rolls it back and says why."""
    from contextlib import closing

    from deploy.models.operator import Operator
    from deploy.models.usable import number_of
    from deploy.settings.config import load
    from deploy.topics.models_view import read_view
    from deploy.trials.beginning import begun, ended, seconds_of

    if stop == (version is not None):
        raise WrongInput("wanted a version to try, or --stop")
    settings, for_s = load(config), seconds_of(lasting)
    with closing(Operator(settings, by or who(), reason, force=force)) as operator:
        if version is None:
            typer.echo(ended(settings, operator))
            return
        how = {"share": canary / 100, "for_s": for_s, "min_calls": min_calls, "serves": serve}
        number = number_of(read_view(settings), version)
        typer.echo(begun(settings, number, operator, **how))  # type: ignore[arg-type]


def verify(version: Version, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Trains a version again from the log and the checkpoints before it: the same files, or what differs."""
    from dataclasses import asdict

    from deploy.errors import CommandError
    from deploy.lineage.verification import verified
    from deploy.models.usable import known, number_of
    from deploy.settings.config import load
    from deploy.topics.models_view import read_view

    settings = load(config)
    view = read_view(settings)
    found = verified(known(view, number_of(view, version)), settings)
    if as_json:
        print_json(asdict(found))
    if found.differing:
        raise CommandError(found.told)
    if not as_json:
        typer.echo(found.told)
