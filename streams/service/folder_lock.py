"""One process a folder. The system takes the lock back when the process ends, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from encoders.errors import MmbindError

NAME = ".lock"
SHOWN_CHARACTERS = 60  # of a command line


class FolderInUse(MmbindError):  # noqa: N818 - it says what is so
    """Another process works in the folder; the message names both."""


class FolderLock:
    """Keeps every other process from locking this folder, until `release` or the end of this process.

    Children that inherit open files hold it too, so that what a killed parent left running keeps the folder.

    Raises:
        FolderInUse: If another process has locked it.
        OSError: If the folder cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / NAME
        self._file = file.open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            holders = ", ".join(_holders(file)) or "a process that cannot be seen from here"
            raise FolderInUse(f"{folder} is in use by {holders}: stop it first") from error
        os.set_inheritable(self._file.fileno(), True)

    def release(self) -> None:
        """Lets others lock it, whichever child still has the file open."""
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._file.close()


def _holders(file: Path) -> Iterator[str]:
    """The processes that have the file open, but for those whose parent has: for a person."""
    path = str(file.resolve())
    found: dict[int, tuple[int, list[str]]] = {}
    for process in psutil.process_iter():
        try:
            if any(one.path == path for one in process.open_files()):
                found[process.pid] = process.ppid(), process.cmdline()
        except psutil.Error:  # another user's, or it ended meanwhile
            continue
    for pid, (parent, command) in found.items():
        if parent not in found:
            told = " ".join([Path(command[0]).name, *command[1:]]) if command else "?"
            yield f"process {pid} ({told if len(told) <= SHOWN_CHARACTERS else told[: SHOWN_CHARACTERS - 3] + '...'})"
