"""Brokers for tests: one of each kind a session, a topic prefix a test. `tests/conftest.py` imports the fixtures."""

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import Broker, EmbeddedBroker

KINDS = ("embedded", "kafka")

_numbers = itertools.count()


@pytest.fixture(scope="session")
def embedded_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    broker = EmbeddedBroker(tmp_path_factory.mktemp("embedded") / "broker.log", max_resident_bytes=2 << 30)
    broker.start()
    yield broker
    broker.stop()


def kafka_home() -> Path:
    """The folder of Apache Kafka; skips the test where there is none."""
    home = os.environ.get("KAFKA_HOME")
    if not home:
        pytest.skip("KAFKA_HOME is not set: no Apache Kafka here")
    return Path(home)


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    broker = KafkaBroker(kafka_home(), tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(params=KINDS)
def broker(request: pytest.FixtureRequest) -> Broker:
    """The embedded broker, then Apache Kafka."""
    found: Broker = request.getfixturevalue(f"{request.param}_broker")
    return found


@pytest.fixture
def any_broker(request: pytest.FixtureRequest) -> Broker:
    """Apache Kafka, or the embedded broker without it: for what takes long and is ours rather than a broker's."""
    found: Broker = request.getfixturevalue("kafka_broker" if os.environ.get("KAFKA_HOME") else "embedded_broker")
    return found


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A topic prefix that no other test has."""
    return re.sub(r"[^a-z0-9-]", "-", request.node.originalname.lower())[:40] + f"-{next(_numbers)}."
