"""`mmbind demo`, `up`, `stream` and `train`."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.output import ConfigOption, folder_to_write, tell_unknown_variables


def demo(
    folder: Annotated[
        Path, typer.Option("--folder", help="Where report, picture and logs go.", callback=folder_to_write)
    ] = Path("demo"),
    speed: Annotated[float, typer.Option("--speed", help="Times real time.", min=0.1)] = 3.5,
    seed: Annotated[int, typer.Option("--seed", help="Of the training.", min=0)] = 0,
    windows: Annotated[
        int | None,
        typer.Option(
            "--windows",
            help="Play only the first so many windows, 5 s each, of each recording.",
            min=1,
            show_default="all",
        ),
    ] = None,
) -> None:
    """Shows the whole loop on real recordings, on this machine, in under five minutes.

    In about one minute, with fewer pairs and versions: --windows 3 --speed 15.
    """
    from deploy.demo.demo import run_demo

    run_demo(folder, speed, seed, windows)


def up(
    config: ConfigOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing more once all is started.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of the live screen.")] = False,
) -> None:
    """Runs all on this machine: a broker if the settings name none, a worker and the trainer; Ctrl-C ends them.

    Where there is no mmbind.toml it writes the example's. Then it shows what `mmbind top` shows: a live screen, or a
    line now and then where there is no terminal.
    """
    from rich.console import Console

    from deploy.machine.up import run_local
    from deploy.settings.example import write_where_none
    from deploy.top.live import show_lines, show_live

    if config is None and (written := write_where_none()):
        print_now(f"no settings here: wrote {written}, the example's, to begin with and to change")
    tell_unknown_variables()
    shows_lines = plain or not Console().is_terminal
    watch = partial(show_lines, say=print_now) if shows_lines else show_live
    sys.exit(run_local(config, print_now, None if quiet else watch))


def print_now(text: str) -> None:
    """A line that nothing holds back, also where it goes into a file."""
    print(text, flush=True)


def stream(config: ConfigOption = None) -> None:
    """Runs a worker: windows to samples to pairs. Start up to topics.partitions of them; one of all binds."""
    from deploy.machine.logs import set_up_logging
    from deploy.settings.config import load
    from deploy.settings.obstacles import require_usable
    from streams.worker.run import run_worker

    settings = load(config)
    tell_unknown_variables()
    require_usable(settings, trains=False)
    set_up_logging(settings.runtime.log_format)
    sys.exit(run_worker(settings))


def train(config: ConfigOption = None) -> None:
    """Runs the trainer: pairs to models."""
    from deploy.machine.logs import set_up_logging
    from deploy.settings.config import load
    from deploy.settings.obstacles import require_usable
    from trainer.service import run_trainer

    settings = load(config)
    tell_unknown_variables()
    require_usable(settings)
    set_up_logging(settings.runtime.log_format)
    sys.exit(run_trainer(settings, settings.trainer))
