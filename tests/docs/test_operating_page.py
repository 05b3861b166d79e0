"""`deploy/docs/operating.md` names no command, option, metric or setting that is not there."""

import re
import shlex
from pathlib import Path

import click
import pytest
import typer
from pydantic import BaseModel

from deploy.cli.main import app
from deploy.settings.config import Settings

DOCS = Path(__file__).parents[2] / "deploy" / "docs"
TEXT = (DOCS / "operating.md").read_text()
QUOTED = re.findall(r"`([^`\n]+)`", TEXT)
BLOCKS = re.findall(r"^```console\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = [line for text in BLOCKS for line in text.splitlines() if line.startswith("mmbind ")]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_takes_what_it_is_given(line: str) -> None:
    command, context = typer.main.get_command(app), None
    _, *words = shlex.split(line)
    while isinstance(command, click.Group):
        context = click.Context(command, parent=context)
        found = command.get_command(context, words[0])
        assert found, f"there is no command {words[0]!r}"
        command, words = found, words[1:]
    command.make_context(command.name, words, parent=context)


def test_metrics_are_shown() -> None:
    named = set(re.findall(r"mmbind_[a-z_]+[a-z]", TEXT))
    of_followers = {"mmbind_follower_failures_total"}  # beside a service's own
    assert len(named) > 10
    assert named - of_followers <= set(re.findall(r"`(mmbind_[a-z_]+)`", (DOCS / "metrics.md").read_text()))


def test_settings_are_those_of_the_product() -> None:
    named = [one for one in QUOTED if re.fullmatch(r"(topics|runtime|registry|trainer|index|ingest|binding)\.\w+", one)]
    assert len(named) > 8
    for section, field in (one.split(".") for one in named):
        kind = Settings.model_fields[section].annotation
        assert isinstance(kind, type) and issubclass(kind, BaseModel)
        assert field in kind.model_fields, f"{section}.{field}"
