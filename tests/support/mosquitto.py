"""A real MQTT broker for tests: mosquitto, where it is installed."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from deploy.machine.brokers import free_port
from tests.support.waiting import wait_until

PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")


class Mosquitto:
    """The broker on a free port of this machine; may be stopped and started again. Skips the test without it."""

    def __init__(self, folder: Path) -> None:
        found = shutil.which("mosquitto") or shutil.which("mosquitto", path=":".join(PLACES))
        if found is None:
            pytest.skip("mosquitto is not installed (Debian: apt-get install mosquitto): no MQTT broker here")
        self.port = free_port()
        self._config, self._log, self._command = folder / "mosquitto.conf", folder / "mosquitto.log", found
        self._config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = [self._command, "-c", str(self._config)]
            self._process = process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        wait_until(self._listens, 30, told=self._log.read_text, is_hopeless=lambda: process.poll() is not None)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def said(self) -> str:
        """Its log."""
        return self._log.read_text()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
