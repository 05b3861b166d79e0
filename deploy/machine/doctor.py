"""Whether everything works that the product needs on this machine, step by step."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.settings.config import ConfigError, Settings, find_file, load
from deploy.settings.obstacles import checkpoint_obstacles, obstacles
from streams.broker.diagnosis import Step


def examine(config: Path | None = None) -> Iterator[Step]:
    """Python, packages, brokers on this machine, the settings, what they name here, and the broker that they name."""
    yield Step("python", sys.version_info >= (3, 11), f"{sys.version.split()[0]}, wanted 3.11 or newer")
    yield _packages()
    yield _recordings()
    yield _embedded()
    yield _apache_kafka()
    try:
        settings, file = load(config), find_file(config)
    except ConfigError as error:
        yield Step("settings", False, str(error).replace("\n", "; "))
        return
    yield Step("settings", True, f"{file or 'environment'}, {len(settings.modalities)} modalities")
    yield _usable(settings)
    yield from _broker(settings)


def _packages() -> Step:
    from importlib import import_module
    from importlib.metadata import version

    missing = []
    for module in ("faust", "kafka", "aiokafka", "hnswlib", "torch", "safetensors", "crc32c", "cramjam"):
        try:
            import_module(module)
        except ImportError as error:
            missing.append(f"{module} ({error})")
    if missing:
        return Step("packages", False, f"cannot import {', '.join(missing)}: run `make install`")
    return Step("packages", True, f"torch {version('torch')}, faust {version('faust-streaming')}")


def _recordings() -> Step:
    from deploy.recordings.recordings import RecordingError
    from deploy.recordings.watch import read_watch_file

    try:
        read_watch_file()
    except (RecordingError, OSError) as error:
        return Step("recordings", False, f"{error} (only `mmbind demo` needs them)")
    return Step("recordings", True, "those of the demo are here, as they should be")


def _embedded() -> Step:
    from deploy.machine.brokers import BrokerError, embedded_binary

    try:
        embedded_binary()
    except BrokerError as error:
        return Step("embedded", bool(os.environ.get("KAFKA_HOME")), str(error))
    return Step("embedded", True, "the embedded broker is here, as it should be")


def _apache_kafka() -> Step:
    from deploy.machine.apache_kafka import java_program
    from deploy.machine.brokers import BrokerError

    home = os.environ.get("KAFKA_HOME")
    if not home:
        return Step("kafka home", True, "KAFKA_HOME is not set: `mmbind up` uses the embedded broker")
    if not any(Path(home, "libs").glob("kafka_*.jar")):
        return Step("kafka home", False, f"KAFKA_HOME is {home}, wanted a folder with libs/kafka_*.jar")
    try:
        return Step("kafka home", True, f"{home}, with {java_program()}")
    except BrokerError as error:
        return Step("kafka home", False, str(error))


def _usable(settings: Settings) -> Step:
    found = [*obstacles(settings), *checkpoint_obstacles(settings)]
    runtime, root = settings.runtime, settings.registry.root
    good = f"device {runtime.device}, {runtime.threads} threads; data in {runtime.data_dir}, models in {root}"
    return Step("usable", not found, "; ".join(found) or good)


def _broker(settings: Settings) -> Iterator[Step]:
    from kafka.errors import KafkaError

    from deploy.topics.admin import admin_client
    from streams.broker.connection import BrokerUnreachable, diagnose
    from streams.broker.topics import check_topics

    steps = diagnose(settings.broker)
    yield from steps
    if not all(step.ok for step in steps):
        return
    try:
        with admin_client(settings.broker) as admin:
            differences = check_topics(admin, settings)
    except (BrokerUnreachable, KafkaError) as error:
        yield Step("topics", False, str(error) or type(error).__name__)
        return
    yield Step("topics", not differences, "; ".join(differences) or "all are there, as they should be")
