"""Modalities as entries of a settings file."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import tomli_w

from deploy.settings.config import ConfigError, text_of
from deploy.settings.mistakes import not_toml
from encoders.modality import ModalitySpec

FIELDS = ("n_channels", "n_steps", "rate_hz", "unit", "channels")


def as_entries(specs: Mapping[str, ModalitySpec]) -> str:
    """The tables `[modalities.NAME]` in TOML."""
    return "\n".join(f"[modalities.{name}]\n{tomli_w.dumps(_table(spec))}" for name, spec in specs.items())


def add_entries(file: Path, specs: Mapping[str, ModalitySpec], shared: str, hop_s: float) -> tuple[str, ...]:
    """Appends the modalities that a settings file does not have; which ones.

    A file that is not there begins with the shared modality, and ends with the hop.

    Raises:
        ConfigError: If the file is there and cannot be read, or is no TOML.
    """
    text = text_of(file) if file.exists() else ""
    try:
        known = tomllib.loads(text).get("modalities", {})
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(not_toml(error, file)) from error
    new = {name: spec for name, spec in specs.items() if name not in known}
    if not text:
        hop = tomli_w.dumps({"ingest": {"hop_s": hop_s}})
        text = "\n".join((tomli_w.dumps({"shared_modality": shared}), as_entries(new), hop))
    elif new:
        text = f"{text.rstrip()}\n\n{as_entries(new)}"
    file.write_text(text, encoding="utf-8")
    return tuple(new)


def _table(spec: ModalitySpec) -> dict[str, object]:
    return {name: value for name in FIELDS if (value := getattr(spec, name)) not in ("", ())}
