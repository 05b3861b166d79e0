"""Apache Kafka on this machine: one node, KRaft, listening on 127.0.0.1, data kept between starts."""

import base64
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from deploy.machine.brokers import Broker, BrokerError, free_port

MIN_JAVA = 17

LOG4J2 = """\
Configuration:
  status: WARN
  Appenders:
    Console:
      name: console
      PatternLayout:
        pattern: "%d %p %m (%c)%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        ref: console
"""


class KafkaBroker(Broker):
    """Apache Kafka from an official download (`kafka_home` holds `libs/`), started by class.

    Data, settings and the log lie in `data_dir`; the ports may differ from start to start.

    Args:
        settings: Broker settings that replace or join ours, such as `message.max.bytes`.
    """

    name = "Apache Kafka"
    keeps_data = True
    stop_s = 30.0

    def __init__(
        self, kafka_home: Path, data_dir: Path, port: int = 0, settings: Mapping[str, str] | None = None
    ) -> None:
        self._dir = data_dir.absolute()
        super().__init__(self._dir / "kafka.log", port)
        self._home = kafka_home
        self._settings = dict(settings or {})

    def start(self) -> None:
        """Formats the data folder the first time, starts Kafka and returns when it accepts clients.

        Raises:
            BrokerError: If Java or Kafka is missing or too old, or Kafka does not start.
        """
        java = self._java()
        self._dir.mkdir(parents=True, exist_ok=True)
        (self._dir / "log4j2.yaml").write_text(LOG4J2)
        properties = self._dir / "server.properties"
        properties.write_text("".join(f"{key}={value}\n" for key, value in self._properties().items()))
        if not (self._dir / "log" / "meta.properties").exists():
            self._format(java, properties)
        self._run([*java, "kafka.Kafka", str(properties)], timeout_s=60)

    def _java(self) -> list[str]:
        if not list((self._home / "libs").glob("kafka_2*.jar")):
            raise BrokerError(f"KAFKA_HOME={self._home} has no libs/kafka_2*.jar: wanted an Apache Kafka download")
        java = java_program()
        return [
            java,
            *("-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            f"-Dlog4j2.configurationFile={self._dir / 'log4j2.yaml'}",
            *("-cp", f"{self._home / 'libs'}/*"),
        ]

    def _format(self, java: list[str], properties: Path) -> None:
        command = [*java, "kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", str(properties)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BrokerError(f"Apache Kafka could not format {self._dir}:\n{done.stdout}{done.stderr}")

    def _properties(self) -> dict[str, str]:
        controller = f"127.0.0.1:{free_port()}"
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"CLIENT://{self.bootstrap_servers},CONTROLLER://{controller}",
            "advertised.listeners": f"CLIENT://{self.bootstrap_servers}",
            "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "CLIENT",
            "log.dirs": str(self._dir / "log"),
            "auto.create.topics.enable": "false",
            "default.replication.factor": "1",
            "min.insync.replicas": "1",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.num.partitions": "4",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
        } | self._settings


def java_program() -> str:
    """The `java` of JAVA_HOME or of the PATH, if it is new enough.

    Raises:
        BrokerError: If there is none or it is older than Java 17.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not Path(java).exists():
        raise BrokerError(
            f"Apache Kafka needs Java {MIN_JAVA}, and there is no `java` here: install a JRE or set JAVA_HOME"
        )
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < MIN_JAVA:
        raise BrokerError(f"Apache Kafka needs Java {MIN_JAVA} or newer; {java} says: {said.splitlines()[:1]}")
    return java


def cluster_id() -> str:
    """A random id as Kafka writes them: 16 bytes in URL-safe base64, not beginning with a dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
