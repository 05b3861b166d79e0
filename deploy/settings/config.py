"""The settings of every service, from `mmbind.toml` and the environment.

One file, one class: what a worker is told, and `[trainer]`, `[labelling]` and `[mqtt]`. Every field can be set by
`MMBIND_...`, tables joined by two underscores (`MMBIND_BROKER__BOOTSTRAP_SERVERS`); the environment wins over the file.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import BaseModel, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from deploy.settings.mistakes import explain, not_json, not_toml
from deploy.settings.mqtt import MqttSettings
from deploy.settings.origins import PREFIX, variable_of
from encoders.errors import UsageError
from streams.labels import LABEL, LABEL_SPEC
from streams.settings import BindingSettings, StreamSettings
from streams.similarity.descriptor import descriptor_of
from trainer.labelling.settings import LabellingSettings
from trainer.settings import TrainerSettings

DEFAULT_FILE = "mmbind.toml"
BYTE_ORDER_MARK = "\ufeff"


class ConfigError(UsageError):
    """The settings cannot be used; the message says which, what it is, and what was wanted."""


class Settings(StreamSettings, BaseSettings):
    """All settings. A worker takes it as its StreamSettings; `trainer` is the trainer's."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__")

    trainer: TrainerSettings = TrainerSettings()
    labelling: LabellingSettings = LabellingSettings()
    mqtt: MqttSettings = MqttSettings()

    @field_validator("modalities")
    @classmethod
    def _names_make_topics(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        for name, one in value.items():
            one.spec(name)
        return value

    @field_validator("shared_modality")
    @classmethod
    def _is_a_modality(cls, value: str, info: ValidationInfo) -> str:
        known = info.data.get("modalities", {value: None})
        if value not in (*known, LABEL):
            raise ValueError(f"wanted one of the modalities: {', '.join(known)}; or {LABEL}")
        return value

    @field_validator("binding")
    @classmethod
    def _binding_suits(cls, value: BindingSettings, info: ValidationInfo) -> BindingSettings:
        name = info.data.get("shared_modality")
        unknown = sorted(set(value.also_shared) - set(info.data.get("modalities", value.also_shared)))
        if unknown:
            raise ValueError(f"also_shared = {unknown}: wanted modalities: {', '.join(info.data['modalities'])}")
        shared = info.data.get("modalities", {}).get(name)
        spec = LABEL_SPEC if name == LABEL else shared.spec(name) if shared else None
        if spec is not None:
            try:
                descriptor_of(spec, "oriented" if value.descriptor == "auto" else value.descriptor)
            except ValueError as error:
                raise ValueError(f"descriptor = {value.descriptor!r}: {error}") from error
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Highest first: given by the program, the environment, the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def find_file(given: Path | None) -> Path | None:
    """The settings file: the one given, that of MMBIND_CONFIG, or `mmbind.toml` here; None where there is none.

    Raises:
        ConfigError: If a file was named and is not there, or cannot be looked for.
    """
    named = given or (Path(os.environ["MMBIND_CONFIG"]) if os.environ.get("MMBIND_CONFIG") else None)
    try:
        if named is not None and not named.is_file():
            raise ConfigError(f"{named}: {'is a folder, wanted a' if named.is_dir() else 'no such'} settings file")
    except PermissionError as error:  # a folder above may not even be looked into
        raise ConfigError(f"{named}: cannot be read: {error.strerror}") from error
    return named or (Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None)


def load(given: Path | None = None, **fixed: Any) -> Settings:
    """The settings of a file (see `find_file`) and the environment; `fixed` wins over both.

    Raises:
        ConfigError: With every mistake on a line of its own.
    """
    file = find_file(given)
    text = text_of(file)
    from_file = type("Settings", (Settings,), {"model_config": SettingsConfigDict(toml_file=file)})
    try:
        return from_file(**fixed)  # type: ignore[no-any-return]
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(not_toml(error, file)) from error
    except SettingsError as error:
        raise ConfigError(not_json(error)) from error
    except ValidationError as error:
        # A default that is made of a wrong value is no mistake of its own.
        wrong = [one for one in error.errors() if one["type"] != "default_factory_not_called"]
        mistakes = [explain(one, Settings, file, text) for one in wrong]
        if file is None:
            mistakes.append(
                f"There is no {DEFAULT_FILE} here: `mmbind config example > {DEFAULT_FILE}` makes one to start from."
            )
        raise ConfigError("\n".join(mistakes)) from error


def value_of(name: str, given: Path | None = None) -> str | None:
    """A value at the top of the settings, from the environment or the file, unchecked; None where neither has it.

    Raises:
        ConfigError: If a file was named and is not there, or is not TOML.
    """
    if variable := variable_of((name,)):
        return os.environ[variable]
    file = find_file(given)
    try:
        value = tomllib.loads(text_of(file)).get(name)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(not_toml(error, file)) from error
    return None if value is None else str(value)


def as_toml(settings: Settings) -> str:
    """What is not None, as a file for another process. Passwords stay out: hand them on by the environment."""
    secrets = {"broker": {"sasl_plain_password"}, "mqtt": {"password"}}
    return tomli_w.dumps(settings.model_dump(mode="json", exclude=secrets, exclude_none=True))


def leaves(settings: BaseModel) -> dict[tuple[str, ...], Any]:
    """Every value by its path, secrets masked."""
    found: dict[tuple[str, ...], Any] = {}

    def walk(value: Any, path: tuple[str, ...]) -> None:
        if isinstance(value, dict) and value:
            for name, inner in value.items():
                walk(inner, (*path, name))
        else:
            found[path] = value

    walk(settings.model_dump(mode="json"), ())
    return found


def text_of(file: Path | None) -> str:
    """The text of a settings file; none where there is no file.

    Raises:
        ConfigError: If it cannot be read, or is not UTF-8.
    """
    try:
        text = file.read_text(encoding="utf-8") if file else ""
    except UnicodeDecodeError as error:
        raw, line = error.object, error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{file}, line {line}: not UTF-8: byte 0x{raw[error.start]:02x}; save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    if text.startswith(BYTE_ORDER_MARK):
        raise ConfigError(f"{file}, line 1: begins with a byte order mark; save it as UTF-8 without one")
    return text
