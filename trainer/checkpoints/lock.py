"""One process a folder. The system takes the lock back when the process ends, however it ends."""

import fcntl
from pathlib import Path

from encoders.errors import MmbindError

NAME = ".lock"


class FolderInUse(MmbindError):  # noqa: N818 - it says what is so
    """Another process works in the folder."""


class FolderLock:
    """Keeps every other process from locking this folder, until `release` or the end of this process.

    Raises:
        FolderInUse: If another process has locked it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / NAME).open("wb")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise FolderInUse(f"{folder} is in use by another trainer: stop it first") from error

    def release(self) -> None:
        """Lets others lock it."""
        self._file.close()
