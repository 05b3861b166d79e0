"""Variables of the environment that are called like settings and are none."""

import difflib
import os

from deploy.settings.config import PREFIX, Settings

NO_SETTINGS = ("MMBIND_CONFIG", "MMBIND_TEST_DATA")


def unknown_variables() -> list[str]:
    """A sentence for each variable of the environment that is called like a setting and is none.

    Nothing is stopped by them: platforms set variables of their own, such as MMBIND_SERVICE_HOST.
    """
    known = {f"{PREFIX}{name.upper()}": name for name in Settings.model_fields}
    found = []
    for variable in sorted(name for name in os.environ if name.upper().startswith(PREFIX)):
        table = variable.upper().split("__")[0]
        if table in known or variable.upper() in NO_SETTINGS:
            continue
        close = difflib.get_close_matches(table, known, n=1)
        wanted = f"did you mean {variable.replace(variable[: len(table)], close[0])}?" if close else "it is ignored"
        found.append(f"environment, {variable} is not a setting; {wanted}")
    return found
