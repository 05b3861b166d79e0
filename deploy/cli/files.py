"""`mmbind import`, `discover` and `record`: files in, files out, and what is there."""

from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.output import ConfigOption, duration_of, file_to_write
from deploy.errors import WrongInput
from deploy.printable import printable

if TYPE_CHECKING:
    from deploy.discovery.found import Found
    from deploy.recordings.logged import Reading

TimeOption = Annotated[str | None, typer.Option("--time", help="The column of times.", show_default=False)]
UnitOption = Annotated[
    str | None, typer.Option("--time-unit", help="s, ms, us or ns, where it cannot be told.", show_default=False)
]
StartOption = Annotated[
    str | None,
    typer.Option("--start", help="When times from 0 on began, ISO 8601; else 2020-01-01.", show_default=False),
]
NodeOption = Annotated[
    str | None, typer.Option("--node", help="The column that says whose a row is.", show_default=False)
]
SourceOption = Annotated[
    str | None, typer.Option("--source-id", help="Whose all rows are; else the file's name.", show_default=False)
]
KindOption = Annotated[
    str | None,
    typer.Option("--modality", help="The column that says of which modality a row is.", show_default=False),
]
LabelOption = Annotated[str | None, typer.Option("--label", help="The column of labels.", show_default=False)]
ColumnsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--columns", metavar="MODALITY=COLUMN,...", help="The channels of a modality. Repeatable.", show_default=False
    ),
]
WindowOption = Annotated[
    float, typer.Option("--window-s", help="Of windows, where the settings do not know a modality.", min=0.001)
]


def import_files(
    files: Annotated[list[Path], typer.Argument(help="CSV or Parquet files of raw samples; or one .npz or .jsonl.")],
    offline: Annotated[bool, typer.Option("--offline", help="Through the core in this process, no broker.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Write the windows to this file, for replay.", callback=file_to_write, show_default=False
        ),
    ] = None,
    time_column: TimeOption = None,
    time_unit: UnitOption = None,
    start: StartOption = None,
    node: NodeOption = None,
    source_id: SourceOption = None,
    modality: KindOption = None,
    label: LabelOption = None,
    columns: ColumnsOption = None,
    window_s: WindowOption = 5.0,
    speed: Annotated[float, typer.Option("--speed", help="Times real time; 0: as fast as it goes.", min=0)] = 0.0,
    config: ConfigOption = None,
) -> None:
    """Shows what files of raw samples hold, cuts windows, and sends them to their topics (or --offline, or --out)."""
    from deploy.recordings.files import read_recordings
    from deploy.recordings.logged import read_logged
    from deploy.tables.table import TABLE_SUFFIXES

    reading = reading_of(config, time_column, time_unit, start, node, source_id, modality, label, columns, window_s)
    if any(file.suffix.lower() not in TABLE_SUFFIXES for file in files):
        if len(files) > 1:
            raise WrongInput(f"{files[0]} and {len(files) - 1} more: wanted tables, or one file of windows")
        recordings = read_recordings(files[0], reading)
    else:
        recordings = read_logged(files, reading)
    if out is not None:
        from deploy.topics.recorded import write_windows

        write_windows(out, iter(recordings.windows))
        typer.echo(f"{out}: {len(recordings.windows)} windows; see mmbind replay {out} --offline")
    elif offline:
        from deploy.replay.command import replay_offline
        from deploy.replay.plan import ReplayPlan

        replay_offline(ReplayPlan(recordings, config))
    else:
        from deploy.settings.config import load
        from deploy.topics.send import send_recordings

        send_recordings(recordings, load(config), speed)
        typer.echo(f"sent {len(recordings.windows)} windows")


def discover(
    what: Annotated[list[str], typer.Argument(help="Files; or a topic: windows.MODALITY, or `windows.*`: all.")],
    write: Annotated[bool, typer.Option("--write", help="Append what mmbind.toml does not have.")] = False,
    time_column: TimeOption = None,
    time_unit: UnitOption = None,
    node: NodeOption = None,
    source_id: SourceOption = None,
    modality: KindOption = None,
    columns: ColumnsOption = None,
    window_s: WindowOption = 5.0,
    config: ConfigOption = None,
) -> None:
    """Says what modalities and sources there are, and how mmbind.toml would describe them."""
    from deploy.discovery.found import found_in_files, say
    from deploy.settings.config import DEFAULT_FILE, find_file
    from deploy.settings.entries import add_entries, as_entries

    if Path(what[0]).exists():
        reading = reading_of(config, time_column, time_unit, None, node, source_id, modality, None, columns, window_s)
        found = found_in_files([Path(one) for one in what], reading)
    else:
        found = _found_in_topics(what, config)
    say(found, lambda line: typer.echo(printable(line)))
    typer.echo(f"\n{as_entries(found.specs)}")
    if write:
        file = find_file(config) or Path(DEFAULT_FILE)
        added = add_entries(file, found.specs, found.shared, found.hop_s)
        typer.echo(f"{file}: added {', '.join(added) or 'nothing: all are there'}")


def record(
    file: Annotated[Path, typer.Argument(help="The file to write, JSON Lines.", callback=file_to_write)],
    duration: Annotated[
        str | None,
        typer.Option("--for", help="As 90s, 30m, 2h or 1d; else until Ctrl-C.", show_default=False),
    ] = None,
    whole: Annotated[bool, typer.Option("--all", help="What the topics have, instead of what comes.")] = False,
    labels: Annotated[bool, typer.Option("--labels", help="Keep the labels that windows were sent with.")] = False,
    config: ConfigOption = None,
) -> None:
    """Records the windows of all modalities to a file that `mmbind replay` reads."""
    from deploy.settings.config import load
    from deploy.topics.recorded import record as record_windows

    span = duration_of(duration) if duration is not None else None
    if duration is not None and (whole or span is None):
        raise WrongInput(f"--for {duration}: wanted 90s, 30m, 2h or 1d, and not --all beside it")

    def wait() -> None:
        with suppress(KeyboardInterrupt):
            Event().wait(span.total_seconds() if span else None)

    done = record_windows(load(config), file, None if whole else wait, labels)
    typer.echo(
        f"{file}: {done.n_windows} windows" + f", {done.n_unreadable} records were none" * bool(done.n_unreadable)
    )


def _found_in_topics(what: list[str], config: Path | None) -> "Found":
    from deploy.discovery.found import found_in_recordings
    from deploy.recordings.files import from_windows
    from deploy.settings.config import find_file, load
    from deploy.topics.windows import some_windows, windows_topics

    # Modalities may be what is looked for: without a settings file there are none yet.
    nothing = {"modalities": {"none": {"n_channels": 1, "n_steps": 1, "rate_hz": 1}}, "shared_modality": "none"}
    settings = load(config, **({} if find_file(config) else nothing))
    topics = [topic for one in what for topic in windows_topics(settings, one)]
    windows, n_unreadable = some_windows(settings, topics)
    if n_unreadable:
        typer.echo(f"{n_unreadable} records are no windows")
    return found_in_recordings(from_windows(", ".join(what), windows))


def reading_of(
    config: Path | None,
    time_column: str | None = None,
    time_unit: str | None = None,
    start: str | None = None,
    node: str | None = None,
    source_id: str | None = None,
    modality: str | None = None,
    label: str | None = None,
    columns: list[str] | None = None,
    window_s: float = 5.0,
) -> "Reading":
    """How raw samples are read: as these options say, with the settings' modalities and hop."""
    from deploy.recordings.logged import Reading
    from deploy.settings.config import find_file, load
    from deploy.tables.columns import Columns
    from deploy.tables.times import START_NS, UNITS, parse_time

    if time_unit is not None and time_unit not in UNITS:
        raise WrongInput(f"--time-unit {time_unit}: wanted one of {', '.join(UNITS)}")
    try:
        start_ns = START_NS if start is None else parse_time(start)
    except ValueError as error:
        raise WrongInput(f"--start {start}: wanted ISO 8601, such as 2026-01-31T12:00") from error
    settings = load(config) if find_file(config) else None
    said = Columns(
        time_column, time_unit, start_ns, node, source_id, modality, label,
        dict(map(_group, columns or ())), settings.specs if settings else {},
    )  # fmt: skip
    return Reading(
        said, window_s, settings.ingest.hop_s if settings else None, lambda line: typer.echo(printable(line), err=True)
    )


def _group(given: str) -> tuple[str, tuple[str, ...]]:
    name, equals, columns = given.partition("=")
    if not equals or not columns:
        raise WrongInput(f"--columns {given}: wanted MODALITY=COLUMN,COLUMN,...")
    return name, tuple(columns.split(","))
