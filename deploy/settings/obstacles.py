"""What keeps well-formed settings from being used here, and would again at every start: each in one sentence.

Changes nothing and asks no broker; what topics hold is told by `deploy.topics.kept`.
"""

import socket
from collections.abc import Iterator
from pathlib import Path

from deploy.settings.config import ConfigError, Settings
from deploy.settings.writable import unwritable
from encoders.bundle import BundleError
from encoders.modality import ModalitySpec
from streams.broker.connection import unusable
from streams.broker.topics import wanted_topics
from streams.intake.messages import Ingest
from streams.messages.signature import KeysError
from streams.models.registry import Registry, RegistryAway

MAX_TOPIC_CHARACTERS = 249  # Kafka's


def require_usable(settings: Settings, trains: bool = True) -> None:
    """Returns if there are no `obstacles`.

    Raises:
        ConfigError: With a line for each of them.
    """
    if found := list(obstacles(settings, trains)):
        raise ConfigError("\n".join(found))


def obstacles(settings: Settings, trains: bool = True) -> Iterator[str]:
    """Why a service with these settings cannot do its work on this machine.

    Args:
        settings: Of all services.
        trains: Whether it publishes models too; a worker only reads them.
    """
    if complaint := unusable(settings.broker):
        yield complaint
    yield from _names(settings)
    yield from _intake(settings)
    yield from _device(settings.runtime.device)
    yield from _listener(settings.runtime.metrics_host)
    yield from _folders(settings, trains)
    yield from _registry(settings, trains)


def checkpoint_obstacles(settings: Settings) -> Iterator[str]:
    """Why the trainer could not go on from its newest checkpoint; with one there, this loads torch."""
    root = checkpoint_root(settings)
    if not any(folder.name.isdecimal() for folder in root.glob("*")):
        return
    from trainer.checkpoints.checkpoint import CheckpointError, CheckpointFolder
    from trainer.checkpoints.progress import resumption

    try:
        resumed = resumption(CheckpointFolder(root))
        if resumed is not None:
            resumed.learner(settings.specs, settings.shared_modality, settings.trainer, {}, "cpu")
    except CheckpointError as error:
        yield f"runtime.data_dir is {settings.runtime.data_dir!r}: {error}"


def checkpoint_root(settings: Settings) -> Path:
    """Where the trainer keeps its checkpoints."""
    return Path(settings.runtime.data_dir) / "checkpoints"


def other_shape(name: str, own: ModalitySpec, n_steps: int, n_channels: int, where: str) -> str:
    """The sentence on windows that were kept with another shape than the settings' now."""
    return (
        f"modalities.{name} is [{own.n_steps}, {own.n_channels}] at {own.rate_hz:g} Hz, but {where} has "
        f"[{n_steps}, {n_channels}]: set it back, or use another topics.prefix, runtime.data_dir and registry.root"
    )


def _names(settings: Settings) -> Iterator[str]:
    longest = max((topic.name for topic in wanted_topics(settings)), key=len)
    if len(longest) > MAX_TOPIC_CHARACTERS:
        prefix = settings.topics.prefix
        rest = longest.removeprefix(prefix)
        yield (
            f"topics.prefix has {len(prefix)} characters, wanted at most {MAX_TOPIC_CHARACTERS - len(rest)}: "
            f"with {rest} a topic's name has at most {MAX_TOPIC_CHARACTERS}"
        )


def _intake(settings: Settings) -> Iterator[str]:
    try:
        Ingest(settings)
    except (KeysError, ValueError) as error:
        yield str(error)


def _device(device: str) -> Iterator[str]:
    if device == "cpu":
        return
    import torch

    try:
        torch.zeros(1, device=device).tolist()  # some have devices without values, such as meta
    except (RuntimeError, AssertionError, ImportError):
        there = ["cpu", *(f"cuda:{place}" for place in range(torch.cuda.device_count()))]
        there += ["mps"] * torch.backends.mps.is_available()
        yield f"runtime.device is {device!r}, wanted a device that torch has here: {', '.join(there)}"


def _listener(host: str) -> Iterator[str]:
    try:
        socket.create_server((host, 0)).close()
    except OSError as error:
        yield f"runtime.metrics_host is {host!r}, wanted an IPv4 address of this machine: {error.strerror or error}"


def _folders(settings: Settings, trains: bool) -> Iterator[str]:
    data_dir = Path(settings.runtime.data_dir)
    for folder in (data_dir, data_dir / "faust", *([checkpoint_root(settings)] if trains else [])):
        if why := unwritable(folder):
            yield f"runtime.data_dir is {settings.runtime.data_dir!r}, wanted a folder that can be written: {why}"
            return


def _registry(settings: Settings, trains: bool) -> Iterator[str]:
    root = settings.registry.root
    try:
        registry = Registry.of(settings.registry, publishes=trains)
    except (ValueError, KeysError) as error:
        yield str(error)
        return
    if not trains:
        return
    if "://" not in root and (why := unwritable(Path(root))):
        yield f"registry.root is {root!r}, wanted a folder that can be written: {why}"
        return
    try:
        newest = registry.newest()
    except (BundleError, RegistryAway):  # to be told, and tried again, by whoever needs it
        return
    if newest is None:
        return
    for other in newest.modalities:
        own = settings.specs.get(other.name)
        if own and not own.has_windows_of(other):
            where = f"version {newest.version} in registry.root, {root}, of {other.rate_hz:g} Hz,"
            yield other_shape(other.name, own, other.n_steps, other.n_channels, where)
