"""A trainer's pair of keys in two files, as `streams.models.signing` reads them."""

import os
from pathlib import Path

from deploy.errors import CommandError
from streams.models.signing import new_pair

PRIVATE_NAME, PUBLIC_NAME = "models.pem", "models.pub.pem"


def make_keys(folder: Path) -> tuple[Path, Path]:
    """Makes an Ed25519 key; the files of its private half, which only its owner may read, and of its public half.

    Raises:
        CommandError: If one of the files is there or cannot be written.
        KeysError: If the package cryptography is missing.
    """
    private, public = folder / PRIVATE_NAME, folder / PUBLIC_NAME
    secret, known = new_pair()
    there = [str(path) for path in (private, public) if os.path.lexists(path)]
    if there:
        raise CommandError(f"{' and '.join(there)}: there already, wanted a folder without; nothing was changed")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_new(private, secret, 0o600)
        try:
            _write_new(public, known, 0o644)
        except OSError:
            private.unlink()
            raise
    except OSError as error:
        raise CommandError(f"no key was made in {folder}: {error.strerror or error}") from error
    return private, public


def _write_new(path: Path, data: bytes, mode: int) -> None:
    """Makes the file, with that mode from the first; never writes to one that is there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except OSError:
        path.unlink()
        raise
