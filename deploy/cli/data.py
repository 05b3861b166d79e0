"""`mmbind replay`, `send` and `tail`: data in, data seen."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.output import ConfigOption, JsonOption, file_to_write, folder_to_write, picture_to_write
from deploy.errors import WrongInput

FileArgument = Annotated[
    Path, typer.Argument(help=".npz, .jsonl, .csv, .parquet, UTD-MHAD's folder of .mat files, or `watch`: the demo's.")
]
HideOption = Annotated[
    list[str] | None,
    typer.Option(
        "--hide", metavar="SOURCE:MODALITY", help="Hide this from all but the evaluation. Repeatable.",
        show_default=False,
    ),
]  # fmt: skip
HoldOutOption = Annotated[
    list[str] | None,
    typer.Option("--holdout-source", metavar="SOURCE", help="Hold this source out. Repeatable.", show_default=False),
]


def replay(
    file: FileArgument,
    offline: Annotated[bool, typer.Option("--offline", help="Through the core in this process, no broker.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", help="Write the figures as JSON (offline).", callback=file_to_write, show_default=False
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="Draw the run as PNG (offline).", callback=picture_to_write, show_default=False),
    ] = None,
    speed: Annotated[
        float, typer.Option("--speed", help="Times real time when sending to Kafka; 0: as fast as it goes.", min=0)
    ] = 1.0,
    shared: Annotated[
        str | None,
        typer.Option(
            "--shared",
            help="The shared modality, or `label`; else the settings', or what most sources have.",
            show_default=False,
        ),
    ] = None,
    hide: HideOption = None,
    holdout_source: HoldOutOption = None,
    train_steps: Annotated[
        int | None, typer.Option("--train-steps", help="Training steps in all (offline).", min=0, show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of all randomness.", min=0, show_default=False)] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep",
            help="New folder for the models, for embed and finetune (offline).",
            callback=folder_to_write,
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Replays recordings: through the same core in this process (--offline), or into Kafka as sensors would."""
    from deploy.cli.files import reading_of
    from deploy.recordings.files import read_recordings
    from deploy.recordings.recordings import restrict
    from deploy.tables.table import TABLE_SUFFIXES

    reading = reading_of(config) if file.suffix.lower() in TABLE_SUFFIXES else None
    recordings = restrict(read_recordings(file, reading), hide or (), holdout_source or (), shared)
    if not offline:
        from deploy.settings.config import load
        from deploy.topics.send import send_recordings

        for given, name in (
            (report, "--report"),
            (picture, "--picture"),
            (train_steps, "--train-steps"),
            (keep, "--keep"),
        ):
            if given is not None:
                raise WrongInput(f"{name} goes with --offline: the trainer that reads from Kafka has its own settings")
        send_recordings(recordings, load(config), speed)
        return
    from deploy.replay.command import replay_offline
    from deploy.replay.plan import ReplayPlan

    if keep is not None and keep.exists():
        raise WrongInput(f"--keep {keep}: is there already, wanted a new folder")
    replay_offline(ReplayPlan(recordings, config, seed, train_steps, shared), report, picture, keep)


def send(
    file: Annotated[
        typer.FileBinaryRead, typer.Argument(help="JSON window records: one, an array, or one a line; - is stdin.")
    ] = "-",  # type: ignore[assignment]
    config: ConfigOption = None,
) -> None:
    """Sends windows to their topics, from JSON."""
    from deploy.settings.config import load
    from deploy.topics.send import send_json

    n_sent = send_json(file.read(), load(config))
    typer.echo(f"sent {n_sent} window{'s' * (n_sent != 1)}")


def known_kinds(given: str, config: Path | None = None) -> list[str]:
    """The kinds of records that begin like what was typed so far."""
    from deploy.settings.config import ConfigError, load
    from deploy.topics.tail import kinds

    try:
        modalities = list(load(config).modalities)
    except ConfigError:  # whoever runs the command is told
        modalities = []
    return [kind for kind in kinds(modalities) if kind.startswith(given)]


def _completed(context: typer.Context, incomplete: str) -> list[str]:
    return known_kinds(incomplete, context.params.get("config"))


def tail(
    kind: Annotated[
        str,
        typer.Argument(
            help="pairs, rejects, models, samples, labels, labelled, followers, or windows.MODALITY.",
            autocompletion=_completed,
        ),
    ],
    n_records: Annotated[
        int | None, typer.Option("--count", "-n", help="Stop after so many.", min=1, show_default=False)
    ] = None,
    whole: Annotated[bool, typer.Option("--all", help="What the topic holds now, and then it ends.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="With --all: goes on with what comes.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Shows records, a line each: as they come, until it is interrupted, or with --all those that are there."""
    from deploy.settings.config import load
    from deploy.topics.tail import kinds, lines_of

    settings = load(config)
    known = kinds(settings.modalities)
    if kind not in known:
        raise WrongInput(f"cannot tail {kind!r}, wanted one of {', '.join(known)}")
    try:
        for line in lines_of(settings, kind, whole=whole, on=follow or not whole, n_records=n_records, as_json=as_json):
            typer.echo(line)
    except KeyboardInterrupt:
        sys.exit(0)
