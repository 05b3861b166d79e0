"""`mmbind up` as a person starts it: alone in its folder, on the ports that the settings name, or not at all."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.machine.brokers import free_port
from deploy.machine.process import ChildProcess
from deploy.settings.config import Settings, as_toml
from streams.service.lifecycle import EXIT_WRONG_SETTINGS
from streams.testing import SyntheticWorld
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]
QUICK = {"KAFKA_HOME": "", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
WINDOW = {"source_id": "node-1", "modality": "gravity", "start_ns": 1_700_000_000_000_000_000}


class Home:
    """A folder with settings, in which people give commands; its broker's port is free at first."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.rewrite()

    def rewrite(self, **runtime: object) -> None:
        world = SyntheticWorld(2).settings().model_dump(include={"modalities", "shared_modality", "ingest"})
        runtime = {"data_dir": "data", "stream_port": 0, "trainer_port": 0} | runtime
        settings = Settings.model_validate(world | {"broker": {"local_port": self.port}, "runtime": runtime})
        text = as_toml(settings).replace(f'bootstrap_servers = "127.0.0.1:{self.port}"\n', "")
        assert "bootstrap_servers" not in text
        (self.folder / "mmbind.toml").write_text(text)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deploy.cli", *arguments]
        own = {**os.environ, **QUICK, **environment}
        return subprocess.run(
            command, cwd=self.folder, env=own, capture_output=True, text=True, check=False, timeout=90
        )

    def start(self) -> ChildProcess:
        """`mmbind up`; returns when its worker has partitions."""
        up = ChildProcess("up", [sys.executable, "-c", f"import os; os.chdir({str(self.folder)!r}); {MAIN}"],
                          self.folder / "up.log", QUICK)  # fmt: skip
        log = self.folder / "data" / "logs" / "worker.log"
        up.start()
        wait_until(
            lambda: log.exists() and "given" in log.read_text(),
            timeout_s=90,
            told=up.log_tail,
            is_hopeless=lambda: not up.alive,
        )
        return up

    def written(self) -> set[tuple[Path, int]]:
        """What lies in the data folder and when it was written, but for logs, which are being written."""
        found = (path for path in (self.folder / "data").rglob("*") if path.is_file() and path.suffix != ".log")
        return {(path, path.stat().st_mtime_ns) for path in found}


MAIN = "import sys; sys.argv = ['mmbind', 'up']; from deploy.cli.main import main; main()"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def live(home: Home) -> Iterator[ChildProcess]:
    """`mmbind up`, running there; ends in order, and leaves nothing behind."""
    up = home.start()
    yield up
    up.signal(signal.SIGINT)
    assert up.wait(30) == 0, up.log_tail()
    assert "all stopped" in up.log_tail()
    assert not subprocess.run(["pgrep", "-f", str(home.folder)], capture_output=True, check=False).stdout


def test_a_second_one_is_refused_in_a_line_and_touches_nothing(home: Home, live: ChildProcess) -> None:
    before = home.written()
    second = home.run("up")
    assert second.returncode == 1
    (said,) = second.stderr.splitlines()
    assert said.startswith(f"mmbind: data is in use by process {live.pid} (")
    assert second.stdout == ""
    assert home.folder / "data" / "up.toml" in {path for path, _ in before}
    assert before <= home.written()  # what is new may be the live one's
    assert live.alive


def test_other_commands_speak_to_the_broker_that_it_started(home: Home, live: ChildProcess) -> None:
    (home.folder / "window.json").write_text(json.dumps(WINDOW | {"values": [[0.0] * 3] * 64}))
    for command in (["topics", "check"], ["send", "window.json"], ["models", "list", "--json"], ["config", "check"]):
        done = home.run(*command)
        assert done.returncode == 0, done.stderr
    shown = home.run("tail", "windows.gravity", "--all", "-n", "1", "--json")
    assert json.loads(shown.stdout)["source_id"] == "node-1"


def test_it_says_now_and_then_how_it_goes(live: ChildProcess) -> None:
    wait_until(
        lambda: "; next: " in live.log_file.read_text(), 90, told=live.log_tail, is_hopeless=lambda: not live.alive
    )


def test_a_taken_port_is_named_and_another_folder_may_have_another(tmp_path: Path, home: Home) -> None:
    other = Home(tmp_path)
    with socket.create_server(("127.0.0.1", other.port)):
        refused = other.run("up")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"mmbind: broker.local_port is {other.port}, and another process listens there")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = other.run("up", MMBIND_RUNTIME__STREAM_PORT=str(taken.getsockname()[1]))
    assert "mmbind: runtime.stream_port is " in refused.stderr
    assert not list((other.folder / "data").glob("logs/*"))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RUNTIME__DEVICE", "abacus", "mmbind: runtime.device is 'abacus', wanted a device that torch has here: cpu"),
        ("RUNTIME__DATA_DIR", "mmbind.toml/data", "mmbind: runtime.data_dir is 'mmbind.toml/data', wanted a folder"),
        ("REGISTRY__ROOT", "nowhere://bucket", "mmbind: registry.root is 'nowhere://bucket', wanted a folder or a URL"),
    ],
)
def test_what_can_never_work_ends_it_in_a_sentence_before_anything_starts(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    home = Home(tmp_path)
    done = home.run("up", **{f"MMBIND_{name}": value})
    assert done.returncode == EXIT_WRONG_SETTINGS
    (line,) = done.stderr.splitlines()
    assert line.startswith(said)
    assert done.stdout == ""
    assert not (tmp_path / "data").exists()
