"""The settings of every service, from `mmbind.toml` and the environment.

One file, one class: what a worker is told, and `[trainer]`, `[labelling]` and `[mqtt]`. Every field can be set by
`MMBIND_...`, tables joined by two underscores (`MMBIND_BROKER__BOOTSTRAP_SERVERS`); the environment wins over the file.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import tomli_w
from pydantic import BaseModel, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from deploy.settings.mqtt import MqttSettings
from deploy.settings.toml_text import line_of
from encoders.errors import UsageError
from streams.labels import LABEL, LABEL_SPEC
from streams.settings import BindingSettings, StreamSettings
from streams.similarity.descriptor import descriptor_of
from trainer.labelling.settings import LabellingSettings
from trainer.settings import TrainerSettings

DEFAULT_FILE = "mmbind.toml"
PREFIX = "MMBIND_"
PATTERNS = {"topics.prefix": "wanted only lower-case letters, digits, '.' and '-'"}
TABLE = re.compile(r"a valid dictionary( or instance of \w+)?")  # so pydantic calls a table of TOML


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
        ConfigError: If a file was named and is not there.
    """
    named = given or (Path(os.environ["MMBIND_CONFIG"]) if os.environ.get("MMBIND_CONFIG") else None)
    if named is not None and not named.is_file():
        raise ConfigError(f"{named}: {'is a folder, wanted a' if named.is_dir() else 'no such'} settings file")
    return named or (Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None)


def load(given: Path | None = None, **fixed: Any) -> Settings:
    """The settings of a file (see `find_file`) and the environment; `fixed` wins over both.

    Raises:
        ConfigError: With every mistake on a line of its own.
    """
    file = find_file(given)
    text = _text_of(file)
    from_file = type("Settings", (Settings,), {"model_config": SettingsConfigDict(toml_file=file)})
    try:
        return from_file(**fixed)  # type: ignore[no-any-return]
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not TOML: {error}") from error
    except SettingsError as error:
        # A table is set by JSON, or by a variable for each of its keys.
        found = re.search(r'field "(\w+)"', str(error))
        name = f"{PREFIX}{found[1].upper()}" if found else "a variable"
        raise ConfigError(
            f"environment, {name} is {os.environ.get(name, '')!r}: wanted JSON, or {name}__... for each key"
        ) from error
    except ValidationError as error:
        # A default that is made of a wrong value is no mistake of its own.
        wrong = [one for one in error.errors() if one["type"] != "default_factory_not_called"]
        mistakes = [explain(one, file, text) for one in wrong]
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
    if variable := _variable((name,)):
        return os.environ[variable]
    file = find_file(given)
    try:
        value = tomllib.loads(_text_of(file)).get(name)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not TOML: {error}") from error
    return None if value is None else str(value)


def as_toml(settings: Settings) -> str:
    """What is not None, as a file for another process. Passwords stay out: hand them on by the environment."""
    secrets = {"broker": {"sasl_plain_password"}, "mqtt": {"password"}}
    return tomli_w.dumps(settings.model_dump(mode="json", exclude=secrets, exclude_none=True))


def explain(mistake: ErrorDetails, file: Path | None, text: str) -> str:
    """One sentence: where it stands, the key, its value and what was wanted."""
    path = tuple(str(part) for part in mistake["loc"])
    key = ".".join(path)
    return f"{_place(path, file, text)}: {_complaint(mistake, key, path)}"


def origin(path: tuple[str, ...], file: Path | None, text: str) -> str:
    """Where a value came from: an environment variable, a line of the file, or "default"."""
    name = _variable(path)
    line = line_of(text, path)
    exact = line is not None and line.depth == len(path)
    return name or (f"{file}:{line.number}" if exact and line else "default")


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


def _text_of(file: Path | None) -> str:
    try:
        return file.read_text(encoding="utf-8") if file else ""
    except UnicodeDecodeError as error:
        raw, line = error.object, error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{file}, line {line}: not UTF-8: byte 0x{raw[error.start]:02x}; save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error


def _place(path: tuple[str, ...], file: Path | None, text: str) -> str:
    if name := _variable(path):
        return f"environment, {name}"
    line = line_of(text, path)
    if line is None:
        return str(file) if file else "settings"
    return f"{file}, line {line.number}"


def _variable(path: tuple[str, ...]) -> str | None:
    """The environment variable that sets this value or a table round it, if there is one."""
    names = {name.upper(): name for name in os.environ}
    for depth in range(len(path), 0, -1):
        name = PREFIX + "__".join(path[:depth]).upper()
        if name in names:
            return names[name]
    return None


def _complaint(mistake: ErrorDetails, key: str, path: tuple[str, ...]) -> str:
    message = mistake["msg"].removeprefix("Value error, ").replace("Input should be", "wanted")
    if mistake["type"] == "string_pattern_mismatch":
        message = PATTERNS.get(key, f"wanted a match of {mistake['ctx']['pattern']}")
    message = TABLE.sub("a table", message).replace(", unable to interpret input", ": true or false")
    message = message.replace(", unable to parse string as an integer", "").replace("a valid integer", "a whole number")
    if mistake["type"] == "missing":
        return f"{key} is missing"
    if mistake["type"] == "extra_forbidden":
        known = _known(path[:-1])
        close = difflib.get_close_matches(path[-1], known, n=1)
        return f"{key} is not a setting; " + (
            f"did you mean {close[0]}?" if close else f"wanted one of {', '.join(known)}"
        )
    value = mistake["input"]
    shown = "*****" if "password" in key else repr(value)
    return f"{key} is {shown if len(shown) < 80 else shown[:77] + '...'}: {message}"


def _known(path: tuple[str, ...]) -> list[str]:
    """The names of the fields of the table at `path`."""
    table: Any = Settings
    for name in path:
        fields = getattr(table, "model_fields", {})
        kind = fields[name].annotation if name in fields else table
        inner = [one for one in get_args(kind) if isinstance(one, type) and issubclass(one, BaseModel)]
        table = inner[0] if inner else kind
    return list(getattr(table, "model_fields", {}))
