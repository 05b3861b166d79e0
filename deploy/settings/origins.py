"""Where a setting comes from: a variable of the environment, a line of the file, or its default."""

import os
from pathlib import Path

from deploy.settings.toml_text import line_of

PREFIX = "MMBIND_"


def origin(path: tuple[str, ...], file: Path | None, text: str) -> str:
    """Where a value came from: an environment variable, a line of the file, or "default"."""
    name = variable_of(path)
    line = line_of(text, path)
    exact = line is not None and line.depth == len(path)
    return name or (f"{file}:{line.number}" if exact and line else "default")


def place_of(path: tuple[str, ...], file: Path | None, text: str) -> str:
    """Where to look for a value that is wrong, or that is missing."""
    if name := variable_of(path):
        return f"environment, {name}"
    line = line_of(text, path)
    if line is None:
        return str(file) if file else "settings"
    return f"{file}, line {line.number}"


def variable_of(path: tuple[str, ...]) -> str | None:
    """The environment variable that sets this value or a table round it, if there is one."""
    names = {name.upper(): name for name in os.environ}
    for depth in range(len(path), 0, -1):
        name = PREFIX + "__".join(path[:depth]).upper()
        if name in names:
            return names[name]
    return None
