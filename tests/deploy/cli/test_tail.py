"""`mmbind tail`, its completion, and `mmbind --version`."""

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.machine.brokers import EmbeddedBroker
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "deploy" / "mmbind.example.toml"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMBIND_CONFIG", str(EXAMPLE))


@pytest.fixture
def broker(embedded_broker: EmbeddedBroker, prefix: str, monkeypatch: pytest.MonkeyPatch) -> EmbeddedBroker:
    """One with our topics."""
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", embedded_broker.bootstrap_servers)
    monkeypatch.setenv("MMBIND_TOPICS__PREFIX", prefix)
    told("topics", "create")
    return embedded_broker


def told(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def send(*node_ids: str) -> None:
    window = {"modality": "gravity", "start_ns": 1_700_000_000_000_000_000, "values": [[0, 0, 1]] * 250}
    Path("windows.jsonl").write_text("\n".join(json.dumps(window | {"source_id": node}) for node in node_ids))
    told("send", "windows.jsonl")


@pytest.mark.usefixtures("broker")
def test_all_that_is_there_is_shown_and_then_it_ends() -> None:
    assert told("tail", "windows.gravity", "--all") == ""
    send("node-1", "node-2", "node-3")
    shown = told("tail", "windows.gravity", "--all")
    assert sorted(line.split()[1] for line in shown.splitlines()) == ["node-1", "node-2", "node-3"]
    assert told("tail", "windows.gravity", "--all", "-n", "2").count("node-") == 2


@pytest.mark.usefixtures("broker")
@pytest.mark.parametrize(("options", "before"), [(["--all", "--follow"], {"node-1"}), ([], set())])
def test_following_shows_what_comes_until_it_is_interrupted(options: list[str], before: set[str]) -> None:
    send("node-1")
    command = [sys.executable, "-m", "deploy.cli", "tail", "windows.gravity", *options]
    out = Path("out.txt")
    with out.open("wb") as output:
        tail = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            # Whoever runs the tests in the background has it ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            # Without --all it begins at an end that nobody sees it reach: so one is sent until one is seen.
            def is_seen() -> bool:
                send("node-2")
                return all(node in out.read_text() for node in before | {"node-2"})

            wait_until(is_seen, timeout_s=60, told=out.read_text, every_s=0.3)
            tail.send_signal(signal.SIGINT)
            assert tail.wait(30) == 0
        finally:
            tail.kill()
            tail.wait()
    assert {line.split()[1] for line in out.read_text().splitlines()} == before | {"node-2"}


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [("mmbind tail l", ["labels", "labelled"]), ("mmbind tail windows.g", ["windows.gravity", "windows.gyroscope"])],
)
def test_the_shell_completes_what_there_is_to_see(typed: str, wanted: list[str]) -> None:
    asked = {"_MMBIND_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": "2"}
    result = CliRunner().invoke(app, [], env=asked, prog_name="mmbind")
    assert result.output.split() == wanted


def test_completion_does_without_settings(tmp_path: Path) -> None:
    asked = {"_MMBIND_COMPLETE": "complete_bash", "COMP_WORDS": "mmbind tail p", "COMP_CWORD": "2"}
    result = CliRunner().invoke(app, [], env=asked | {"MMBIND_CONFIG": str(tmp_path / "none.toml")}, prog_name="mmbind")
    assert result.output.split() == ["pairs"]


def test_the_version_is_that_of_the_package() -> None:
    assert told("--version").startswith(f"mmbind {version('mmbind-stream')}, Python 3.")
