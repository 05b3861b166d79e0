"""A child process with a log file. Knows nothing of Kafka."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil


class ChildProcess:
    """Runs a command in a session of its own, so that a Ctrl-C meant for us does not reach it first.

    Output goes to the end of `log_file`; `name` is how people are told about it. The locks of our folders
    (`streams.service.folder_lock`) are inherited: should we be killed, it still holds them.
    """

    def __init__(self, name: str, command: Sequence[str], log_file: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.command = list(command)
        self.log_file = log_file
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start_bytes = 0

    def start(self) -> None:
        """Starts the command; `env` is added to our own environment.

        Raises:
            OSError: If it cannot be executed or the log file cannot be written.
        """
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self._log_start_bytes = log.tell()
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(self._env or {})},
                start_new_session=True,
                close_fds=False,  # Python lets no file be inherited but those that are marked so
            )

    @property
    def pid(self) -> int:
        """Its process id; it must have been started."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs or before it started; negative when a signal ended it."""
        return None if self._process is None else self._process.poll()

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def wait(self, timeout_s: float) -> int | None:
        """Its exit code, or None if it still runs after so long."""
        assert self._process is not None, f"{self.name} was not started"
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def stop(self, timeout_s: float = 20.0) -> int | None:
        """Asks it to end (SIGTERM), makes it end (SIGKILL) after `timeout_s`; returns the exit code."""
        if self._process is None:
            return None
        self.signal(signal.SIGTERM)
        if self.wait(timeout_s) is None:
            self.signal(signal.SIGKILL)
            self._process.wait()
        return self._process.returncode

    def log_tail(self, n_lines: int = 15, max_bytes: int = 16_384) -> str:
        """The last lines it has written since this start."""
        if not self.log_file.exists():
            return ""
        with self.log_file.open("rb") as log:
            log.seek(max(self._log_start_bytes, self.log_file.stat().st_size - max_bytes))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-n_lines:])


def resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 when it is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
