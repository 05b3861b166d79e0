"""`mmbind models promote`, `rollback`, `pin`, `unpin`, `diff`, `prune` and `watch`: the operator's hand on models."""

import getpass
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.output import ConfigOption, JsonOption, print_json, print_table
from deploy.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.models.operator import Operator

Version = Annotated[str, typer.Argument(help="Its number, or the name of a channel that is at it.")]
ChannelOption = Annotated[str, typer.Option("--channel", help="The settings' one without it.", show_default=False)]
ForceOption = Annotated[bool, typer.Option("--force", help="Overrides a pin and the gate's word, and says so.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for the history.", show_default=False)]
ByOption = Annotated[str, typer.Option("--by", help="Who; user@host without it.", show_default=False)]


def who() -> str:
    """Whoever runs the command."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def promote(
    version: Version,
    channel: ChannelOption = "",
    force: ForceOption = False,
    reason: ReasonOption = "",
    by: ByOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Points a channel at a version: whoever follows it loads the version at once."""
    _say(config, channel, by, reason, force, as_json, lambda one, name: one.promote(name, version))


def rollback(
    channel: ChannelOption = "",
    force: ForceOption = False,
    reason: ReasonOption = "",
    by: ByOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Points a channel at the version that it had before its present one; again, at the one before that."""
    _say(config, channel, by, reason, force, as_json, lambda one, name: one.rollback(name))


def pin(
    channel: Annotated[str, typer.Argument(help="Its name.")],
    version: Version,
    force: ForceOption = False,
    reason: ReasonOption = "",
    by: ByOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Points a channel at a version and keeps it there, whatever the trainer publishes."""
    _say(config, channel, by, reason, force, as_json, lambda one, name: one.pin(name, version))


def unpin(
    channel: Annotated[str, typer.Argument(help="Its name.")],
    reason: ReasonOption = "",
    by: ByOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lets the trainer move a channel again."""
    _say(config, channel, by, reason, False, as_json, lambda one, name: one.unpin(name))


def diff(one: Version, other: Version, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Shows what differs between two versions."""
    from deploy.models.comparison import compared
    from deploy.models.usable import number_of
    from deploy.settings.config import load
    from deploy.topics.models_view import read_view

    view = read_view(load(config))
    left, right = number_of(view, one), number_of(view, other)
    rows, columns = compared(view, left, right), ("what", str(left), str(right), "change")
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_table(f"Versions {left} and {right}", columns, rows)


def prune(
    keep: Annotated[int, typer.Option("--keep", help="So many of the newest stay.", min=1)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only says which would go.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deletes old versions, but none that a channel is at or may be rolled back to."""
    from deploy.models.pruning import prune as prune_versions
    from deploy.settings.config import load

    gone = list(prune_versions(load(config), keep, dry_run))
    if as_json:
        print_json({"deleted": [] if dry_run else gone, "would_go": gone if dry_run else []})
        return
    word = "would go" if dry_run else "deleted"
    typer.echo(f"{word}: {', '.join(map(str, gone)) or 'none'}")


def watch(
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds; without it until Ctrl-C.", min=0)] = 0.0,
    everything: Annotated[bool, typer.Option("--all", help="What was before, too.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follows versions, the gate's words and channels, a line each as it happens."""
    import json
    import threading
    import time

    from deploy.models.news import line_of, news
    from deploy.settings.config import load
    from streams.models.log import KafkaModelLog

    settings, stop = load(config), threading.Event()
    end_s = time.monotonic() + timeout if timeout else float("inf")
    for told in news(KafkaModelLog(settings.broker, settings.topics.prefix), stop, everything):
        if time.monotonic() >= end_s:
            stop.set()
        if told is not None:
            typer.echo(json.dumps(told, ensure_ascii=False) if as_json else printable(line_of(told)))


COMMANDS = (promote, rollback, pin, unpin, diff, prune, watch)


def _say(
    config: "Path | None",
    channel: str,
    by: str,
    reason: str,
    force: bool,
    as_json: bool,
    do: Callable[["Operator", str], str],
) -> None:
    from contextlib import closing

    from deploy.models.operator import Operator
    from deploy.settings.config import load

    settings = load(config)
    name = channel or settings.registry.channel
    with closing(Operator(settings, by or who(), reason, force=force)) as operator:
        told = do(operator, name)
    if as_json:
        print_json({"channel": name, "told": told})
    else:
        typer.echo(told)
