"""`mmbind top`: one live screen of a running stream."""

import sys
import threading
from typing import Annotated

import typer

from deploy.cli.output import ConfigOption, print_json
from deploy.errors import WrongInput


def top(
    config: ConfigOption = None,
    once: Annotated[bool, typer.Option("--once", help="One screen, and the end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for programs; goes with --once.")] = False,
) -> None:
    """Shows nodes, rates, pairs, versions and rejects, live, and the one thing to do next; Ctrl-C ends it.

    Plain lines where there is no terminal. Of a stream too busy to be read whole it reads the newest part.
    """
    from rich.console import Console

    from deploy.settings.config import load
    from deploy.top.live import one_picture, show_lines, show_live
    from deploy.top.screen import text_of
    from deploy.top.told import told
    from streams.service.lifecycle import stopped_by_signals

    if as_json and not once:
        raise WrongInput("--json goes with --once")
    settings = load(config)
    console = Console()
    if once:
        picture = one_picture(settings)
        width = console.width if console.is_terminal else 100
        print_json(told(picture)) if as_json else typer.echo(text_of(picture, width))
        return
    with stopped_by_signals(threading.Event()) as stop:
        if console.is_terminal:
            show_live(settings, stop, whole_screen=True)
        else:
            show_lines(settings, stop, typer.echo)
    sys.exit(0)
