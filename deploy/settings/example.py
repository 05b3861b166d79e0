"""The example settings, which stand beside the code."""

import os
from importlib.resources import files
from pathlib import Path

from deploy.settings.config import DEFAULT_FILE, find_file
from deploy.settings.origins import PREFIX


def example_text() -> str:
    """`mmbind.toml` to begin with, each setting with its words."""
    return files("deploy").joinpath("mmbind.example.toml").read_text(encoding="utf-8")


def write_where_none() -> Path | None:
    """Writes the example to `mmbind.toml` here, where neither a file nor the environment has settings; None elsewhere.

    Raises:
        ConfigError: If MMBIND_CONFIG names a file that is not there.
        OSError: If it cannot be written.
    """
    if find_file(None) is not None or any(name.upper().startswith(f"{PREFIX}MODALITIES") for name in os.environ):
        return None
    Path(DEFAULT_FILE).write_text(example_text(), encoding="utf-8")
    return Path(DEFAULT_FILE)
