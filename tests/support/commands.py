"""Commands on files, run in this process."""

from pathlib import Path

from typer.testing import CliRunner

from deploy.cli.main import app
from encoders.errors import UsageError


def asked(place: Path, command: str, *more: str) -> list[str]:
    """A command on the recordings and the model of a folder."""
    return [command, str(place / "world.npz"), "--version", "1", "--root", str(place / "models"), *more]


def run(arguments: list[str]) -> str:
    """What it prints; it must succeed."""
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def refusal(arguments: list[str]) -> str:
    """What is said of arguments that are wrong."""
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, UsageError), repr(error)
    return str(error)
