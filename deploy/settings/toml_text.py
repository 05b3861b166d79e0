"""Where in a TOML text a key stands, and tables written as TOML. Performs no I/O."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


def written(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    """The table as TOML: plain values first, inner tables after them; None is left out, as TOML has none."""
    plain = [f"{_key(name)} = {json.dumps(value)}" for name, value in table.items() if not _is_left_out(value)]
    parts = [f"[{'.'.join(map(_key, path))}]\n" if path else "", "".join(f"{line}\n" for line in plain), "\n"]
    parts += [written(value, (*path, name)) for name, value in table.items() if isinstance(value, Mapping)]
    return "".join(parts)


def _is_left_out(value: Any) -> bool:
    return value is None or isinstance(value, Mapping)


def _key(name: str) -> str:
    return name if PART.fullmatch(name) else json.dumps(name)


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in PART.findall(dotted))
