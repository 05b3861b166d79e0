"""The page on operating: its commands can be typed, those that end do what it says, and what it names exists."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.machine.brokers import EmbeddedBroker
from tests.support.desk import Desk

DOCS = Path(__file__).parents[3] / "deploy" / "docs"
EXAMPLE = DOCS.parent / "mmbind.example.toml"
TEXT = (DOCS / "operating.md").read_text()
LINES = re.findall(r"^mmbind (.*)$", TEXT, re.MULTILINE)
QUOTED = re.findall(r"`([^`\n]+)`", TEXT)
SERVICES = ("stream", "train")


@pytest.fixture
def desk(
    embedded_broker: EmbeddedBroker, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMBIND_CONFIG", str(EXAMPLE))
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", embedded_broker.bootstrap_servers)
    monkeypatch.setenv("MMBIND_TOPICS__PREFIX", prefix)
    monkeypatch.setenv("MMBIND_REGISTRY__ROOT", str(tmp_path / "models"))
    made = Desk(embedded_broker, prefix, tmp_path / "models")
    made.models.refresh()
    yield made
    made.models.close()


@pytest.mark.parametrize(
    "line", [*LINES, *(one.removeprefix("mmbind ").replace(" N", " 1") for one in QUOTED if one.startswith("mmbind "))]
)
def test_each_command_can_be_typed(line: str) -> None:
    command, words = get_command(app), shlex.split(line)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    with command.make_context(line, words) as context:
        assert context.command is command


def test_those_that_end_do_what_the_page_says(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    CliRunner().invoke(app, ["models", "promote", "2"], catch_exceptions=False)
    said = {}
    for line in LINES:
        if line not in SERVICES:
            # The desk's versions are not of the example's sensors.
            of_settings = line in ("config check", "doctor")
            monkeypatch.setenv("MMBIND_REGISTRY__ROOT", str(tmp_path / ("none" if of_settings else "models")))
            done = CliRunner().invoke(app, shlex.split(line), catch_exceptions=False)
            assert done.exit_code == 0, f"{line}\n{done.output}"
            said[line] = done.output
    assert "good." in said["config check"]
    assert "stable is at version 1, rolled back" in said['models rollback --reason "worse at night"']
    assert "stable is at version 1, pinned" in said["models pin stable 1"]


def test_metrics_settings_and_topics_that_it_names_exist() -> None:
    metrics, settings, topics = ((DOCS / f"{page}.md").read_text() for page in ("metrics", "settings", "topics"))
    named = [one for one in QUOTED if one.startswith("mmbind_")]
    assert len(named) > 10 and [one for one in named if f"`{one}`" not in metrics] == []
    tables = r"(broker|topics|ingest|index|binding|trainer|registry|runtime)\."
    keys = [one.split(" = ")[0] for one in QUOTED if re.match(tables, one)]
    assert len(keys) > 8 and [one for one in keys if f"`{one}`" not in settings] == []
    ours = {one for one in QUOTED if re.fullmatch(r"mmbind\.[a-z]+", one)}
    groups = {"mmbind.stream", "mmbind.trainer", "mmbind.embedder"}
    assert [one for one in ours - groups if f"`{one}`" not in topics] == []
