"""A real MQTT broker for tests: mosquitto, where it is installed."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from deploy.machine.brokers import free_port
from tests.support.waiting import wait_until

PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
USER, PASSWORD = "bridge", "bridge-secret"


class Mosquitto:
    """The broker on a free port of this machine; may be stopped and started again. Skips the test without it."""

    def __init__(self, folder: Path, lines: str = "allow_anonymous true\n") -> None:
        self.port = free_port()
        self._config, self._log, self._command = folder / "mosquitto.conf", folder / "mosquitto.log", _tool("mosquitto")
        # As root it would go on as a user who may not read the folder.
        self._config.write_text(f"user root\nlistener {self.port} 127.0.0.1\n{lines}")
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


class SecureMosquitto(Mosquitto):
    """It wants TLS, a password and, with `wants_certificate`, a certificate of the client.

    `folder` gets `ca.pem`, `client.pem` with `client.key`, and `other.pem`, an authority that signed nothing.
    """

    def __init__(self, folder: Path, wants_certificate: bool = False) -> None:
        passwords = folder / "passwords"
        command = [_tool("mosquitto_passwd"), "-b", "-c", str(passwords), USER, PASSWORD]
        subprocess.run(command, check=True, capture_output=True)
        _make_certificates(folder)
        files = f"cafile {folder}/ca.pem\ncertfile {folder}/broker.pem\nkeyfile {folder}/broker.key\n"
        asked = f"require_certificate {str(wants_certificate).lower()}\n"
        super().__init__(folder, f"allow_anonymous false\npassword_file {passwords}\n{files}{asked}")


def _tool(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=":".join(PLACES))
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install mosquitto): no MQTT broker here")
    return found


def _make_certificates(folder: Path) -> None:
    """Two authorities, and what the first one signed: the broker's, for localhost and 127.0.0.1, and a client's."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on the PATH: no certificates here")
    extensions = folder / "names.ext"
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    new_key = ("req", "-newkey", "rsa:2048", "-nodes")
    for name in ("ca", "other"):
        run(*new_key, "-x509", "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    for name in ("broker", "client"):
        run(*new_key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ("x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key")
        run(*signed, "-CAcreateserial", "-extfile", "names.ext", "-out", f"{name}.pem")
