"""Variables of the environment that are called like settings and are none."""

import difflib
import os
from collections.abc import Iterator
from typing import Any

from deploy.settings.config import Settings
from deploy.settings.origins import PREFIX

NO_SETTINGS = ("MMBIND_CONFIG", "MMBIND_TEST_DATA", "MMBIND_REQUIRE_ALL")
# How alike two names are without what all begin with, from 0 to 1: below it none is meant.
ALIKE = 0.7


def unknown_variables() -> list[str]:
    """A sentence for each variable of the environment that is called like a setting and is none.

    Nothing is stopped by them: platforms set variables of their own, such as MMBIND_SERVICE_HOST.
    """
    tables = {name.upper() for name in Settings.model_fields}
    names = [*_names(Settings), *(name.removeprefix(PREFIX) for name in NO_SETTINGS)]
    found = []
    for variable in sorted(name for name in os.environ if name.upper().startswith(PREFIX)):
        name = variable.upper().removeprefix(PREFIX)
        if name.split("__")[0] in tables or variable.upper() in NO_SETTINGS:
            continue
        close = [one for one in names if one.endswith(f"__{name}")] or [
            *difflib.get_close_matches(name, names, n=1, cutoff=ALIKE),
            *difflib.get_close_matches(name.split("__")[0], tables, n=1, cutoff=ALIKE),
        ]
        told = f"did you mean {PREFIX}{close[0]}?" if close else "it is ignored"
        found.append(f"environment, {variable} is not a setting; {told}")
    return found


def _names(settings: Any) -> Iterator[str]:
    """Of all settings, as the environment has them."""
    for name, field in getattr(settings, "model_fields", {}).items():
        yield name.upper()
        yield from (f"{name.upper()}__{inner}" for inner in _names(field.annotation))
