"""Which form records, bundles and checkpoints have, and which of them can be read here. Performs no I/O.

Of `MAJOR.MINOR` a newer minor only adds what an older reader may leave aside: it is read, unknown fields are ignored.
A newer major means something else by what is there, and is refused. What names none is of 1.0, which release 0.1.0
wrote without saying so; sensors need not name one.
"""

import re

SCHEMA = "1.0"

_MAJOR = int(SCHEMA.partition(".")[0])
_FORM = re.compile(r"(\d{1,9})(\.\d{1,9})?")


def schema_complaint(schema: str) -> str:
    """Why what has this schema cannot be read here, and what to do; empty where it can."""
    found = _FORM.fullmatch(schema)
    if not found:
        return f"schema {schema[:40]!r}, wanted MAJOR.MINOR such as {SCHEMA}"
    if int(found[1]) > _MAJOR:
        return (
            f"schema {schema}, this release reads up to {_MAJOR}: install the release that wrote it, or a later one; "
            "of all services those that read first"
        )
    return ""
