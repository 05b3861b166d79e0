"""What commands have in common: their options, and how they speak."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.errors import WrongInput
from deploy.settings.writable import unwritable, unwritable_file

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings file; else MMBIND_CONFIG, else ./mmbind.toml.", show_default=False),
]
DURATIONS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs instead of a table.")]


def file_to_write(option: typer.CallbackParam, file: Path | None) -> Path | None:
    """What the command is to write, refused before its work and not after it.

    Raises:
        WrongInput: If it cannot be written.
    """
    if file is not None and (why := unwritable_file(file)):
        raise WrongInput(f"{option.opts[0]} is {str(file)!r}, wanted a file that can be written: {why}")
    return file


def picture_to_write(option: typer.CallbackParam, file: Path | None) -> Path | None:
    """The same for a picture.

    Raises:
        WrongInput: If it cannot be written, or what draws it is not installed.
    """
    if file is not None and find_spec("matplotlib") is None:
        raise WrongInput(f"{option.opts[0]} is {str(file)!r}, which wants pip install 'mmbind-stream[demo]'")
    return file_to_write(option, file)


def folder_to_write(option: typer.CallbackParam, folder: Path | None) -> Path | None:
    """The same for a folder.

    Raises:
        WrongInput: If nothing can be written there.
    """
    if folder is not None and (why := unwritable(folder)):
        raise WrongInput(f"{option.opts[0]} is {str(folder)!r}, wanted a folder that can be written: {why}")
    return folder


def tell_unknown_variables() -> None:
    """A line on standard error for each variable of the environment that is called like a setting and is none."""
    from deploy.settings.unknown_variables import unknown_variables

    for told in unknown_variables():
        typer.echo(f"mmbind: {told}", err=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))


def duration_of(text: str) -> timedelta | None:
    """What 90s, 30m, 2h or 1d says; None if the text is no such."""
    if text[-1:] not in DURATIONS or not text[:-1].replace(".", "", 1).isdigit():
        return None
    return timedelta(**{DURATIONS[text[-1]]: float(text[:-1])})


def utc(ms: int) -> str:
    """A time in ms since 1970."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, flexible: str = "") -> None:
    """A table for people; columns are as wide as they need where nobody looks at a terminal.

    Args:
        flexible: The one column that gives way where the terminal is narrow, without lines between columns: its cells
            wrap at words, and a longer word ends in an ellipsis. Without it all columns give way, in mid-word.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    style = box.SIMPLE_HEAD if flexible else box.HEAVY_HEAD
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=style,
        show_edge=not flexible,
        pad_edge=not flexible,
    )
    for column in columns:
        gives_way = not flexible or column == flexible
        table.add_column(column, overflow="ellipsis" if flexible else "fold", no_wrap=not gives_way)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    # What sensors call themselves is no markup.
    console = Console(markup=False, emoji=False)
    console.print(table, width=None if console.is_terminal else 200)


def print_steps(steps: Iterable[Any]) -> bool:
    """A line for each step with its verdict; whether all are well."""
    from rich.console import Console
    from rich.text import Text

    console = Console(soft_wrap=True)
    is_well = True
    for step in steps:
        is_well &= step.ok
        mark = Text("  ok  ", "green") if step.ok else Text("FAILED", "bold red")
        console.print(mark, Text(f" {step.name:<12}{step.message}"), sep="")
    return is_well
