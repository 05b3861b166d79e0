"""Whether all can run with these settings: what `mmbind config check` says, and `mmbind up` before anything else."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from kafka.errors import KafkaError

from deploy.settings.config import ConfigError, Settings
from deploy.settings.mqtt import MqttSettings
from deploy.settings.obstacles import checkpoint_obstacles, obstacles
from deploy.topics.kept import changed_shapes
from streams.broker.certificates import tls_context
from streams.broker.connection import BrokerUnreachable, diagnose
from streams.broker.log import LogError


def check_settings(settings: Settings) -> str:
    """Looks at everything that would keep a service from its work at every start.

    Returns:
        Why the topics were not looked at; empty if they were.

    Raises:
        ConfigError: With a line for each thing that is wrong.
    """
    found = [*obstacles(settings), *checkpoint_obstacles(settings), *_bridge(settings.mqtt)]
    failed = None if found else next((step for step in diagnose(settings.broker) if not step.ok), None)
    left_out = failed.message if failed else ""
    # A broker that is away may come; one that refuses us goes on to.
    if failed and failed.name in ("tls", "password"):
        found = [left_out]
    if not (found or left_out):
        try:
            found = changed_shapes(settings)
        except (BrokerUnreachable, KafkaError, LogError) as error:
            left_out = str(error) or type(error).__name__
    if found:
        raise ConfigError("\n".join(found))
    return left_out


def _bridge(mqtt: MqttSettings) -> Iterator[str]:
    """Only here: services do without the certificates of a bridge that runs elsewhere."""
    if mqtt.tls:
        try:
            tls_context(mqtt, "mqtt")
        except ValueError as error:
            yield str(error)


def check_aside(config: Path | None) -> None:
    """The same in a process of its own, whose memory is free afterwards: looking at a checkpoint takes torch.

    Raises:
        ConfigError: As it says.
    """
    named = ["--config", str(config)] if config else []
    command = [sys.executable, "-m", "deploy.cli", "config", "check", *named]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigError(done.stderr.strip().removeprefix("mmbind: "))
