"""What is wrong with a setting, in one sentence: where it stands, its name, its value and what was wanted.

No words of pydantic's, whose mistakes these are, and no password.
"""

import difflib
import os
import tomllib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from deploy.settings.origins import PREFIX, place_of

MOST_CHARACTERS = 80
MASK = "*****"
# What text must be, in words.
PATTERNS = {"topics.prefix": "only lower-case letters, digits, '.' and '-'"}
# What pydantic wants, by how its mistakes are called or how that begins; the values are the mistake's.
WORDS = {
    "bool_": "true or false",
    "int_": "a whole number",
    "float_": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "string_too_short": "at least one character",
    "string_sub_type": "text",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_": "a table",
    "too_short": "at least one",
    "greater_than_equal": "at least {ge}",
    "greater_than": "above {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "below {lt}",
    "multiple_of": "a multiple of {multiple_of}",
    "literal_error": "{expected}",
}


def explain(mistake: ErrorDetails, settings: type[BaseModel], file: Path | None, text: str) -> str:
    """One sentence on a mistake in the settings, which a file of that text, and the environment, made."""
    path = tuple(str(part) for part in mistake["loc"])
    return f"{place_of(path, file, text)}: {_complaint(mistake, settings, path)}"


def not_toml(error: tomllib.TOMLDecodeError, file: Path | None) -> str:
    """The sentence on a file that is not TOML, with the line if the parser tells one."""
    told, place, rest = str(error).rpartition(" (at line ")
    line = f", line {rest.partition(',')[0]}" if place else ""
    return f"{file}{line}: not TOML: {told if place else error}"


def not_json(error: SettingsError) -> str:
    """The sentence on a variable that is a table or a list, and not JSON."""
    given = getattr(error.__cause__, "doc", "")
    found = (name for name, value in os.environ.items() if name.upper().startswith(PREFIX) and value == given)
    name = next(found, "a variable")
    wanted = 'wanted JSON, such as ["a", "b"]' if "__" in name else f"wanted JSON, or {name}__... for each key"
    return f"environment, {name} is {_shown(name, given)}: {wanted}"


def _complaint(mistake: ErrorDetails, settings: type[BaseModel], path: tuple[str, ...]) -> str:
    key = ".".join(path)
    if mistake["type"] == "missing":
        return f"{key} is missing"
    if mistake["type"] == "extra_forbidden":
        known = _known(settings, path[:-1])
        close = difflib.get_close_matches(path[-1], known, n=1)
        told = f"did you mean {close[0]}?" if close else f"wanted one of {', '.join(known)}"
        return f"{key} is not a setting; {told}"
    return f"{key} is {_shown(key, mistake['input'])}: {_wanted(mistake, key)}"


def _wanted(mistake: ErrorDetails, key: str) -> str:
    """What was wanted; what our own checks raised says so itself."""
    kind, context = mistake["type"], mistake.get("ctx", {})
    whole = {name: int(one) for name, one in context.items() if isinstance(one, float) and one.is_integer()}
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return "wanted " + (PATTERNS.get(key) or f"a match of {context['pattern']}")
    words = next((words for name, words in WORDS.items() if kind.startswith(name)), "")
    return f"wanted {words.format(**context | whole)}" if words else mistake["msg"]


def _shown(key: str, value: object) -> str:
    shown = repr(value)
    if "password" in f"{key} {shown}".lower():
        return MASK
    return shown if len(shown) < MOST_CHARACTERS else f"{shown[: MOST_CHARACTERS - 3]}..."


def _known(settings: type[BaseModel], path: tuple[str, ...]) -> list[str]:
    """The names of the fields of the table at `path`."""
    table: Any = settings
    for name in path:
        fields = getattr(table, "model_fields", {})
        kind = fields[name].annotation if name in fields else table
        inner = [one for one in get_args(kind) if isinstance(one, type) and issubclass(one, BaseModel)]
        table = inner[0] if inner else kind
    return list(getattr(table, "model_fields", {}))
