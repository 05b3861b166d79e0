"""`mmbind demo`, `up`, `stream` and `train`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.output import ConfigOption


def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where report, picture and logs go.")] = Path("demo"),
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


def up(config: ConfigOption = None) -> None:
    """Runs all on this machine: a broker if the settings name none, a worker and the trainer; Ctrl-C ends them."""
    from deploy.machine.up import run_local

    sys.exit(run_local(config))


def stream(config: ConfigOption = None) -> None:
    """Runs a worker: windows to samples to pairs. Start up to topics.partitions of them; one of all binds."""
    from deploy.machine.logs import set_up_logging
    from deploy.settings.config import load
    from deploy.settings.obstacles import require_usable
    from streams.worker.run import run_worker

    settings = load(config)
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
    require_usable(settings)
    set_up_logging(settings.runtime.log_format)
    sys.exit(run_trainer(settings, settings.trainer))
