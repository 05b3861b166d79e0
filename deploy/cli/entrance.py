"""Where `mmbind` begins: without what it needs it says what to install, in one sentence."""

import sys
from typing import NoReturn

OWN = ("deploy", "encoders", "streams", "trainer")
OF_DEMO = ("matplotlib", "scipy")


def main() -> NoReturn:
    """Runs the command of the command line."""
    try:
        from deploy.cli.main import main as run

        run()
    except ModuleNotFoundError as error:
        package = (error.name or OWN[0]).split(".")[0]
        if package in OWN:
            raise
        extra = "demo" if package in OF_DEMO else "all"
        sys.exit(f"mmbind: the package {error.name} is missing: pip install 'mmbind-stream[{extra}]'")
