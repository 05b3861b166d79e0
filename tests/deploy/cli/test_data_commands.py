"""The commands of the page on one's own data, one after the other, and what they say."""

import logging
import os
import re
import shlex
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.machine.brokers import EmbeddedBroker
from tests.support.mosquitto import Mosquitto
from tests.support.waiting import wait_until

PAGE = (Path(__file__).parents[3] / "deploy" / "docs" / "data.md").read_text()
COMMANDS = re.findall(r"^mmbind (.*)$", "\n".join(re.findall(r"```console\n(.*?)```", PAGE, re.S)), re.M)
HEADER = re.findall(r"```csv\n(.*)\n", PAGE)[0].split(",")


@pytest.fixture(autouse=True)
def _installation(
    embedded_broker: EmbeddedBroker, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMBIND_CONFIG", raising=False)
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", embedded_broker.bootstrap_servers)
    monkeypatch.setenv("MMBIND_TOPICS__PREFIX", prefix)
    for name, n_columns in (("wrist-1", 7), ("wrist-2", 4)):
        rows = (",".join([f"{1_700_000_000 + i / 50:.2f}", *["0.5"] * (n_columns - 1)]) for i in range(751))
        Path(f"{name}.csv").write_text("\n".join([",".join(HEADER[:n_columns]), *rows]) + "\n")
    handlers = list(logging.root.handlers)
    yield
    logging.root.handlers = handlers


def said(command: str) -> str:
    done = CliRunner().invoke(app, shlex.split(command), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def test_every_command_of_the_page_does_what_it_says() -> None:
    wanted = {
        "discover wrist-1.csv": "mmbind.toml: added accelerometer, gyroscope",
        "topics create": "created",
        "import": "sent 9 windows",
        "discover 'windows.*'": "wrist-1: accelerometer (3 windows), gyroscope (3 windows) wrist-2: accelerometer (3",
        "record": "all.jsonl: 9 windows",
        "replay": "windows",
    }
    *commands, bridge = COMMANDS
    assert bridge.startswith("bridge mqtt")
    for command, (begins, says) in zip(commands, wanted.items(), strict=True):
        assert command.startswith(begins)
        assert says in said(command)


def test_the_bridge_of_the_page_connects_and_ends_by_a_signal(tmp_path: Path) -> None:
    pytest.importorskip("paho", reason="paho-mqtt is not installed: no MQTT here")
    said(COMMANDS[0])
    said("topics create")
    mosquitto = Mosquitto(tmp_path)
    mosquitto.start()

    def end() -> None:
        wait_until(lambda: "New client connected" in mosquitto.said(), 60, told=mosquitto.said)
        os.kill(os.getpid(), signal.SIGTERM)

    ending = threading.Thread(target=end)
    ending.start()
    try:
        said(COMMANDS[-1].replace("localhost", f"127.0.0.1:{mosquitto.port}"))
    finally:
        ending.join()
        mosquitto.stop()
