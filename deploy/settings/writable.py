"""Whether a folder, or a file, can be written at a place. Leaves nothing there."""

import os
import tempfile
from pathlib import Path


def unwritable(folder: Path) -> str:
    """Why nothing can be written in a folder that may have to be made first; empty where it can."""
    path = folder.absolute()
    nearest = next((one for one in (path, *path.parents) if _exists(one)), path)
    if not nearest.is_dir():
        return f"{nearest} is no folder"
    try:
        # Rights do not say it all: a file system may be full, or read only.
        with tempfile.TemporaryFile(dir=nearest):
            return ""
    except OSError as error:
        return f"{nearest}: {error.strerror or error}"


def unwritable_file(file: Path) -> str:
    """Why a file, which may be there and have a folder or not, cannot be written; empty where it can."""
    if not _exists(file):
        return unwritable(file.absolute().parent)
    if file.is_dir():
        return f"{file.absolute()} is a folder"
    return "" if os.access(file, os.W_OK) else f"{file.absolute()}: Permission denied"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # a folder above may not even be looked into
        return False
