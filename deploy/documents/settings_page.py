"""The page of all settings. Performs no I/O."""

import json
from collections.abc import Iterator
from typing import Any

from deploy.settings.config import Settings

HEAD = """\
# Settings

`mmbind config check` finds mistakes, `mmbind config show` says where each value comes from. A value is set in
`mmbind.toml` or by the environment: `MMBIND_` and its name, `__` for each dot, in capitals
(`MMBIND_TRAINER__BATCH_PAIRS=32`). This page is made from the code by `mmbind config document settings`.
"""
TABLE = "| setting | default | what it is |\n|---|---|---|\n"


def settings_page() -> str:
    """Markdown: a table of the settings of each section, in the order of the code."""
    schema = Settings.model_json_schema()
    parts = [HEAD]
    for title, rows in _sections(schema, schema, "", ""):
        parts.append(f"{title}\n{TABLE}{''.join(rows)}")
    return "\n".join(parts)


def _sections(schema: dict[str, Any], one: dict[str, Any], name: str, said: str) -> Iterator[tuple[str, list[str]]]:
    rows, inner = [], []
    for key, field in one["properties"].items():
        path = f"{name}.{key}" if name else key
        section, is_table = _section(schema, field)
        if section is None:
            rows.append(f"| `{path}` | {_default(field, one, key)} | {_cell(field.get('description', ''))} |\n")
        else:
            inner.append((section, f"{path}.<name>" if is_table else path, section.get("description", "")))
    heading = f"## {_cell(name)}\n\n{_cell(said)}\n" if name else "## At the top\n"
    if rows:
        yield heading, rows
    for section, path, told in inner:
        yield from _sections(schema, section, path, told)


def _section(schema: dict[str, Any], field: dict[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    """The schema of a section, and whether it is one of a table of them; None for a plain setting."""
    for candidate, is_table in ((field, False), (field.get("additionalProperties"), True)):
        reference = candidate.get("$ref") if isinstance(candidate, dict) else None
        if reference:
            found = schema["$defs"][reference.rpartition("/")[2]]
            return (found, is_table) if "properties" in found else (None, False)
    return None, False


def _default(field: dict[str, Any], section: dict[str, Any], key: str) -> str:
    if key in section.get("required", ()):
        return "to be set"
    value = field.get("default")
    return "" if value is None else f"`{json.dumps(value)}`"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
