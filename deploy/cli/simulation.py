"""`mmbind simulate`: a fleet to begin with, where there are no sensors yet."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.output import ConfigOption, folder_to_write


def simulate(
    nodes: Annotated[int, typer.Option("--nodes", help="So many, each of which lacks a sensor.", min=2)] = 12,
    lasting: Annotated[str, typer.Option("--for", help="How long it streams: 30s, 5m.")] = "60s",
    speed: Annotated[float, typer.Option("--speed", help="Times real time.", min=0.1)] = 10.0,
    activities: Annotated[int, typer.Option("--activities", help="Things that nodes do.", min=2)] = 8,
    noise: Annotated[float, typer.Option("--noise", help="Beside signals of about 1.", min=0)] = 2.5,
    folder: Annotated[
        Path, typer.Option("--folder", help="Where the truth goes: windows, a few labels.", callback=folder_to_write)
    ] = Path("simulated"),
    seed: Annotated[int, typer.Option("--seed", help="Of what the nodes do.", min=0)] = 0,
    config: ConfigOption = None,
) -> None:
    """Streams a small fleet of simulated nodes, and says how many of their pairs are right: the truth is known.

    To the broker of the settings, with the settings' modalities, beside `mmbind up`.
    """
    from deploy.settings.config import load
    from deploy.simulation.command import fleet_of
    from deploy.simulation.command import simulate as run
    from deploy.simulation.fleet import World
    from deploy.trials.beginning import seconds_of

    settings = load(config)
    fleet = fleet_of(settings, seconds_of(lasting), speed, World(nodes, activities, noise, seed))
    run(fleet, settings, speed, folder)
