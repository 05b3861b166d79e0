"""Where `mmbind` begins: without what it needs it says what to install, in one sentence."""

import sys
from typing import NoReturn

OWN = ("deploy", "encoders", "streams", "trainer")


def main() -> NoReturn:
    """Runs the command of the command line."""
    try:
        from deploy.cli.main import main as run

        run()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in OWN:
            raise
        sys.exit(f"mmbind: the package {error.name} is missing: pip install 'mmbind-stream[all]'")
