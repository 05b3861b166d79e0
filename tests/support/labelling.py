"""`mmbind labels serve` on the topics of a test, and messages of any kind for it."""

import sys
from collections.abc import Sequence

from kafka import KafkaProducer

from deploy.machine.process import ChildProcess
from tests.support.workers import ENVIRONMENT, Farm


def serving(farm: Farm) -> ChildProcess:
    """One that looks again all the time; the farm ends it."""
    name = f"labels-{len(farm.processes)}"
    command = [sys.executable, "-m", "deploy.cli", "labels", "serve", "--config", str(farm.folder / "mmbind.toml")]
    often = {"MMBIND_LABELLING__EVERY_S": "0.2"}
    process = ChildProcess(name, command, farm.folder / f"{name}.log", ENVIRONMENT | often)
    process.start()
    farm.processes.append(process)
    return process


def send(farm: Farm, topic: str, values: Sequence[bytes]) -> None:
    """Messages as anybody could write them."""
    producer = KafkaProducer(bootstrap_servers=farm.broker.bootstrap_servers, enable_idempotence=False)
    for value in values:
        producer.send(topic, key=b"any", value=value)
    producer.flush(timeout=30)
    producer.close()
