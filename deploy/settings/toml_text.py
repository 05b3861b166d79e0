"""Where in a TOML text a key stands: no parser of TOML tells it. Performs no I/O."""

import re
from dataclasses import dataclass

HEADER = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+\s*(#.*)?$")
ASSIGNMENT = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


@dataclass(frozen=True, slots=True)
class TomlLine:
    """A line, counted from 1, and how many parts of the path it names."""

    number: int
    depth: int


def line_of(text: str, path: tuple[str, ...]) -> TomlLine | None:
    """The line that names the longest part of `path`, the first of several; None if no line names any.

    `text` must be TOML that a parser accepts.
    """
    best: TomlLine | None = None
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := HEADER.match(line):
            named = table = _parts(header.group(1))
        elif assignment := ASSIGNMENT.match(line):
            named = table + _parts(assignment.group(1))
        else:
            continue
        if named == path[: len(named)] and (best is None or len(named) > best.depth):
            best = TomlLine(number, len(named))
    return best


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in PART.findall(dotted))
