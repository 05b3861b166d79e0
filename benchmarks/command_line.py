"""What the command lines of all benchmarks have in common: lists of names, data sets, progress and JSON."""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.data_sets import FOLDER_VARIABLE, TITLES, UTD, MissingDataError, file_of, present


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """A parser whose help is a module's docstring; every benchmark has `--json`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="where the figures go")
    return parser


def some_of(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Reads names joined by commas (or semicolons); none at all means all that are known."""
    every = list(known)

    def names(given: str) -> list[str]:
        chosen = [one.strip() for one in given.replace(";", ",").split(",") if one.strip()]
        if unknown := [one for one in chosen if one not in every]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: wanted some of {', '.join(every)}")
        return chosen or every

    return names


def add_sets(parser: argparse.ArgumentParser, known: Iterable[str], by_name: Iterable[str] = ()) -> None:
    """Adds `--sets`: those asked for, which must be there, or all that are, and a line about the others.

    Args:
        parser: To which it is added.
        known: Of which all that are there are taken where none is asked for.
        by_name: Taken only when asked for.
    """
    usual, only = list(known), list(by_name)
    every = usual + only

    def sets(given: str) -> list[str]:
        asked = given.strip(" ,;")
        chosen, found = some_of(every)(asked) if asked else usual, present(every)
        missing = [one for one in chosen if one not in found]
        if missing and asked:
            _find(missing[0])
        if missing:
            names = ", ".join(TITLES[one] for one in missing)
            print(f"left out, since {FOLDER_VARIABLE} names no folder that holds them: {names}", file=sys.stderr)
        return [one for one in chosen if one in found]

    rest = f" but {', '.join(only)}" if only else ""
    said = f"of {', '.join(every)}; without it all that are there{rest}"
    parser.add_argument("--sets", type=sets, default="", help=said)


def add_utd(parser: argparse.ArgumentParser) -> None:
    """Adds `--data`: a file or a folder, else the file of UTD-MHAD, which must be there."""
    parser.add_argument(
        "--data",
        type=lambda given: Path(given) if given else _find(UTD),
        default="",
        help=f"UTD-MHAD, the compact .npz or the folder of .mat files; else in the folder that {FOLDER_VARIABLE} names",
    )


def _find(name: str) -> Path:
    try:
        return file_of(name)
    except MissingDataError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def progress_bar() -> Progress:
    """A bar on stderr that says what is done, how many are, and how long the rest will take."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, TextColumn("{task.description}"), console=Console(stderr=True))


def write_json(document: object, file: Path) -> None:
    """Writes figures; what is not a number is null."""
    file.parent.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.encode(document, enc_hook=_plain)
    file.write_bytes(msgspec.json.format(encoded, indent=1) + b"\n")


def _plain(value: Any) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__}: wanted a figure that JSON can hold")
