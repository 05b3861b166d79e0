import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import deploy.settings.config
from deploy.cli.main import app, main
from deploy.machine.brokers import EmbeddedBroker
from deploy.settings.config import ConfigError
from streams.broker.connection import BrokerUnreachable
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "deploy" / "mmbind.example.toml"
NOBODY_LISTENS = "127.0.0.1:9"
WINDOW: dict[str, Any] = {
    "source_id": "node-1",
    "modality": "gravity",
    "start_ns": 1_700_000_000_000_000_000,
    "values": [[0, 0, 1]] * 250,
}


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMBIND_CONFIG", str(EXAMPLE))
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", NOBODY_LISTENS)
    monkeypatch.setenv("COLUMNS", "200")


def mmbind(*arguments: str, stdin: bytes = b"") -> tuple[int, str]:
    """Exit code and what was said of an error; in this process, since each other one imports the product anew."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(said):
        patch.setattr(sys, "argv", ["mmbind", *arguments])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0), said.getvalue()


def told(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_help_is_quick_since_nothing_heavy_is_imported() -> None:
    heavy = ("torch", "faust", "kafka", "numpy", "pydantic")
    code = (
        "import atexit, sys; from deploy.cli.main import main; sys.argv[1:] = ['--help']\n"
        f"atexit.register(lambda: print([name for name in {heavy} if name in sys.modules]))\n"
        "main()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)
    assert b"Usage:" in done.stdout
    assert done.stdout.splitlines()[-1] == b"[]"


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["replay"],
        ["topics"],
        ["models"],
        ["config"],
        ["demo"],
        ["up"],
        ["top"],
        ["tail"],
        ["audit"],
        ["rejects"],
        ["sources"],
        ["followers"],
    ],
)
def test_every_command_explains_itself(command: list[str]) -> None:
    assert "Usage:" in told(*command, "--help")


def test_good_settings_are_called_good() -> None:
    assert "shared: linear-acceleration" in told("config", "check")


def test_bad_settings_get_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(EXAMPLE.read_text().replace("n_channels = 3", "n_channels = 0", 1))
    command = [sys.executable, "-m", "deploy.cli", "config", "check", "--config", str(bad)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, env=environment)
    assert done.returncode == 2
    line = next(i for i, text in enumerate(bad.read_text().splitlines(), 1) if text == "n_channels = 0")
    assert done.stderr.decode() == (
        f"mmbind: {bad}, line {line}: modalities.linear-acceleration.n_channels is 0: wanted at least 1\n"
    )


def test_settings_are_shown_with_their_origin_and_described() -> None:
    shown = told("config", "show")
    assert "MMBIND_BROKER__BOOTSTRAP_SERVERS" in shown
    assert json.loads(told("config", "show", "--json"))["broker"]["bootstrap_servers"] == NOBODY_LISTENS
    assert "trainer" in json.loads(told("config", "schema"))["properties"]


@pytest.mark.parametrize(
    "command",
    [["topics", "check"], ["models", "list"], ["followers", "list"], ["tail", "pairs"], ["send", "window.json"]],
)
def test_a_broker_that_is_not_there_is_named_with_the_step_that_failed(command: list[str]) -> None:
    Path("window.json").write_text(json.dumps(WINDOW))
    code, said = mmbind(*command)
    assert code == 1
    assert said.startswith(f"mmbind: no connection to {NOBODY_LISTENS} (nothing listens there)")


def test_doctor_names_what_fails_and_exits_1() -> None:
    result = CliRunner().invoke(app, ["doctor", "--json"])
    steps = {step["name"]: step for step in json.loads(result.output)}
    assert result.exit_code == 1
    assert [name for name, step in steps.items() if not step["ok"]] == ["port"]
    assert NOBODY_LISTENS in steps["port"]["message"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["replay", "none.npz"], "none.npz: no such file"),
        (["replay", "watch", "--hide", "person-01-left"], "--hide person-01-left: wanted SOURCE:MODALITY"),
        (
            ["replay", "watch", "--holdout-source", "nobody"],
            "no source 'nobody' in watch, wanted one of person-01-left",
        ),
        (["replay", "watch", "--report", "r.json"], "--report goes with --offline"),
        (["tail", "nothing"], "cannot tail 'nothing', wanted one of pairs"),
    ],
)
def test_a_wrong_argument_is_named(arguments: list[str], message: str) -> None:
    code, said = mmbind(*arguments)
    assert code == 2
    assert said.startswith(f"mmbind: {message}")


@pytest.mark.parametrize(
    "arguments", [["--windows", "0"], ["--windows", "two"], ["--speed", "0"], ["--seed", "-1"], ["--cycles", "3"]]
)
def test_the_demo_plays_nothing_where_an_option_is_wrong(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["demo", *arguments])
    assert result.exit_code == 2
    assert arguments[0] in result.output
    assert not Path("demo").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "nothing to send"),
        (b"[{]", "this is not JSON"),
        (b'{"source_id": "a"}', "record 0: "),
        (json.dumps({**WINDOW, "modality": "sonar"}).encode(), "record 0: modality is 'sonar', wanted one of "),
    ],
)
def test_what_is_no_window_is_not_sent(text: bytes, message: str) -> None:
    code, said = mmbind("send", "-", stdin=text)
    assert code == 2
    assert said.startswith(f"mmbind: {message}")


@pytest.mark.parametrize(("error", "code"), [(ConfigError("x"), 2), (BrokerUnreachable([]), 1)])
def test_an_error_for_people_becomes_a_sentence_and_its_exit_code(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        ended_by(error, monkeypatch)
    assert ended.value.code == code
    assert capsys.readouterr().err == f"mmbind: {error}\n"


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="a bug"):
        ended_by(ValueError("a bug"), monkeypatch)


def ended_by(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a command that raises."""

    def load(config: Path | None) -> None:
        raise error

    monkeypatch.setattr(deploy.settings.config, "load", load)
    monkeypatch.setattr(sys, "argv", ["mmbind", "config", "check"])
    main()


def test_topics_windows_and_rejects_through_a_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = EmbeddedBroker(tmp_path / "broker.log")
    broker.start()
    try:
        monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", broker.bootstrap_servers)
        assert "mmbind.samples" in json.loads(told("topics", "create", "--json"))["created"]
        assert json.loads(told("topics", "check", "--json")) == {"differences": []}
        assert "all topics were there already" in told("topics", "create")
        lines = "\n".join(json.dumps({**WINDOW, "start_ns": WINDOW["start_ns"] + i}) for i in range(3))
        Path("windows.jsonl").write_text(lines)
        assert told("send", "windows.jsonl") == "sent 3 windows\n"
        first = json.loads(told("tail", "windows.gravity", "--all", "-n", "1", "--json"))
        assert (first["source_id"], first["values"]) == ("node-1", "250x3")
        assert told("tail", "windows.gravity", "--all", "-n", "3").count("node-1") == 3
        assert json.loads(told("models", "list", "--json")) == {
            "source": "broker",
            "channels": {},
            "versions": [],
            "moves": {},
        }
        assert json.loads(told("followers", "list", "--json")) == {"channels": {}, "followers": []}
        assert told("replay", "watch", "--speed", "0") is not None
        assert told("tail", "windows.gyroscope", "--all", "-n", "5").count("person-") == 5
    finally:
        broker.stop()


def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "deploy.cli", "demo", "--folder", str(tmp_path / "demo")]
    out = tmp_path / "out.txt"
    with out.open("wb") as output:
        demo = subprocess.Popen(command, stdout=output, stderr=output, env=environment, start_new_session=True)
        wait_until(
            lambda: "starting worker" in out.read_text(),
            timeout_s=60,
            told=out.read_text,
            is_hopeless=lambda: demo.poll() is not None,
        )
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 130
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert [line for line in left.splitlines() if str(tmp_path) in line] == []
