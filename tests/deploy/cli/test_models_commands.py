"""The commands of the page on models, one after the other, and what they say for programs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.machine.brokers import EmbeddedBroker
from encoders.errors import MmbindError
from tests.support.desk import Desk

PAGE = Path(__file__).parents[3] / "deploy" / "docs" / "models.md"


@pytest.fixture
def desk(
    embedded_broker: EmbeddedBroker, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    made = Desk(embedded_broker, prefix, tmp_path / "models")
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "MMBIND_BROKER__BOOTSTRAP_SERVERS": embedded_broker.bootstrap_servers,
        "MMBIND_TOPICS__PREFIX": prefix,
        "MMBIND_REGISTRY__ROOT": str(tmp_path / "models"),
    }.items():
        monkeypatch.setenv(name, value)
    example = Path(__file__).parents[3] / "deploy" / "mmbind.example.toml"
    monkeypatch.setenv("MMBIND_CONFIG", str(example))
    yield made
    made.models.close()


def said(*command: str) -> str:
    done = CliRunner().invoke(app, list(command), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_every_command_of_the_page_does_what_it_says(desk: Desk) -> None:
    commands = re.findall(r"^mmbind (.*)$", PAGE.read_text(), re.MULTILINE)
    wanted = {
        "models list": "refused",
        "models diff stable 2": "parent",
        "models promote 2": "stable is at version 2, better on the night shift; it was at 1",
        "models rollback": "stable is at version 1, rolled back; by hand",
        "models pin": "stable is at version 1, pinned; a fair until Sunday",
        "models unpin": "stable is at version 1, unpinned",
        "models rollout 2": "version 2 is on trial for 600 s",
        "models rollout --stop": "version 2 is no longer on trial",
        "models prune": "would go: none",
        "models watch": "moved channel=canary version=2",
        "models export 2": "version 2, gravity, gyroscope: edge; vectors differ by",
        "followers list": "stable -> 1",
    }
    assert len(commands) == len(wanted)
    for command, (begins, says) in zip(commands, wanted.items(), strict=True):
        assert command.startswith(begins)
        arguments = [one.strip('"') for one in re.findall(r'"[^"]*"|\S+', command)]
        found = said(*arguments)
        assert says in " ".join(found.split()) or (begins == "models list" and "failed" in found), (command, found)


def test_programs_are_told_the_same(desk: Desk) -> None:
    assert json.loads(said("models", "promote", "2", "--by", "anna", "--json"))["channel"] == "stable"
    listed = json.loads(said("models", "list", "--json"))
    assert listed["channels"] == {"stable": 2}
    assert [(one["version"], one["by"]) for one in listed["moves"]["stable"]] == [(1, "trainer"), (2, "anna")]
    assert json.loads(said("models", "prune", "--keep", "1", "--json"))["deleted"] == [3, 4]
    lines = said("models", "watch", "--all", "--timeout", "1", "--json").splitlines()
    assert json.loads(lines[0])["what"] == "version"
    with pytest.raises(MmbindError, match="version 9 is unknown"):
        said("models", "promote", "9")
    with pytest.raises(MmbindError, match="wanted a version to try, or --stop"):
        said("models", "rollout")
