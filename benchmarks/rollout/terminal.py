"""A terminal in which commands run as a person would run them, and whose text is kept."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH, HEIGHT = 100, 50


class Terminal:
    """Shows and keeps comments, commands and what they say.

    Args:
        environment: What commands are run with, beside our own.
        folder: Where they are run.
    """

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._environment, self._folder = os.environ | environment, folder
        self._console = Console(record=True, width=WIDTH, markup=False, emoji=False, highlight=False)

    def say(self, text: str) -> None:
        """A comment, as one types it after `#`."""
        self._console.print(Text(f"\n# {text}", "bold cyan"))

    def show(self, text: str) -> None:
        """Text that is not typed: the end of a log."""
        self._console.print(Text.from_ansi(text))

    def run(self, command: str) -> int:
        """Runs `mmbind ...` and returns its exit code."""
        self._console.print(Text(f"$ mmbind {command}", "bold"))
        arguments = [sys.executable, "-m", "deploy.cli", *command.split()]
        code, said = in_terminal(arguments, self._environment, self._folder)
        self.show(said.rstrip())
        if code:
            self._console.print(Text(f"exit code {code}", "dim"))
        return code

    def write(self, file: Path) -> None:
        """What was shown, as a picture if the name ends in .svg, else as text."""
        if file.suffix == ".svg":
            self._console.save_svg(str(file), title="mmbind-stream: versions roll out and back")
        else:
            self._console.save_text(str(file))


def in_terminal(command: Sequence[str], environment: dict[str, str], folder: Path) -> tuple[int, str]:
    """Exit code and output of a command that finds a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment, cwd=folder
    ) as process:
        os.close(theirs)
        said = b""
        while chunk := _read(ours):
            said += chunk
    os.close(ours)
    return process.returncode, said.decode(errors="replace").replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux says so when the other end is closed
        return b""
