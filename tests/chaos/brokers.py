"""The clusters that faults are played on, each by the name of its kind."""

import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, TypeAlias

from deploy.machine.apache_kafka import KafkaBroker, cluster_id
from deploy.machine.brokers import Broker, BrokerError, EmbeddedBroker, free_port
from tests.chaos.proxy import Proxy
from tests.support.waiting import wait_until

Kind: TypeAlias = Literal["embedded", "kafka", "three nodes", "proxied"]
WITHOUT_KAFKA: tuple[Kind, ...] = ("embedded",)
KINDS: tuple[Kind, ...] = ("embedded", "kafka", "three nodes", "proxied")

# A killed node may come back when its old session has ended: 9 s by Kafka's default.
NODE_SESSION = {"broker.heartbeat.interval.ms": "500", "broker.session.timeout.ms": "3000"}
END_S, REVIVAL_S = 10.0, 240.0


class Cluster:
    """One node or several; `servers` is what services connect to, `direct` what the harness itself does."""

    def __init__(self, nodes: Sequence[Broker], proxy: Proxy | None = None) -> None:
        self.nodes, self.proxy = list(nodes), proxy
        self.direct = ",".join(node.bootstrap_servers for node in nodes)

    @property
    def bootstrap_servers(self) -> str:
        """Of the services: through the proxy where there is one."""
        return f"127.0.0.1:{self.proxy.port}" if self.proxy else self.direct

    def start(self) -> None:
        """Starts all nodes at once: one of three does not come up without another one."""
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(lambda node: node.start(), self.nodes))
        if self.proxy:
            self.proxy.start()

    def stop(self) -> None:
        """Ends all."""
        if self.proxy:
            self.proxy.stop()
        for node in self.nodes:
            node.stop()

    def revive(self, number: int) -> None:
        """Starts a killed node again; one that mends its logs on a busy machine may take minutes."""
        node = self.nodes[number]
        try:
            node.start()
        except BrokerError:
            if not node.alive:
                raise
            wait_until(lambda: is_listening(node.port), REVIVAL_S, is_hopeless=lambda: not node.alive)

    def kill(self, number: int) -> None:
        """Kills a node (SIGKILL); returns when it is gone."""
        node = self.nodes[number]
        os.kill(node.pid, signal.SIGKILL)
        wait_until(lambda: not node.alive, END_S)


class KafkaNode(KafkaBroker):
    """A node of a cluster whose id is given."""

    def __init__(self, home: Path, folder: Path, port: int, settings: Mapping[str, str], cluster: str) -> None:
        super().__init__(home, folder, port, settings)
        self._cluster = cluster

    def _format(self, java: list[str], properties: Path) -> None:
        command = [*java, "kafka.tools.StorageTool", "format", "-t", self._cluster, "-c", str(properties)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BrokerError(f"Apache Kafka could not format {properties.parent}:\n{done.stdout}{done.stderr}")


def is_listening(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def kinds_here() -> tuple[Kind, ...]:
    """What can be started on this machine."""
    return KINDS if os.environ.get("KAFKA_HOME") else WITHOUT_KAFKA


def cluster_of(kind: Kind, folder: Path) -> Cluster:
    """A cluster of that kind, not started, with its data in the folder."""
    if kind == "embedded":
        return Cluster([EmbeddedBroker(folder / "broker.log", max_resident_bytes=4 << 30)])
    home = Path(os.environ["KAFKA_HOME"])
    if kind == "kafka":
        return Cluster([KafkaBroker(home, folder)])
    return _three_nodes(home, folder) if kind == "three nodes" else _proxied(home, folder)


def _proxied(home: Path, folder: Path) -> Cluster:
    """One node that sends whoever comes through the proxy back to the proxy, and tells others its own port."""
    port, inner, controller = free_port(), free_port(), f"127.0.0.1:{free_port()}"
    proxy = Proxy(free_port(), inner)
    direct = f"DIRECT://127.0.0.1:{port}"
    settings = {
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"{direct},PROXIED://127.0.0.1:{inner},CONTROLLER://{controller}",
        "advertised.listeners": f"{direct},PROXIED://127.0.0.1:{proxy.port}",
        "listener.security.protocol.map": "DIRECT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "DIRECT",
    }
    return Cluster([KafkaBroker(home, folder, port, settings)], proxy)


def _three_nodes(home: Path, folder: Path) -> Cluster:
    cluster, controllers = cluster_id(), {number: f"127.0.0.1:{free_port()}" for number in (1, 2, 3)}
    nodes = []
    for number, controller in controllers.items():
        port = free_port()
        settings = {
            "node.id": str(number),
            "controller.quorum.voters": ",".join(f"{one}@{where}" for one, where in controllers.items()),
            "listeners": f"CLIENT://127.0.0.1:{port},CONTROLLER://{controller}",
            "default.replication.factor": "3",
            "min.insync.replicas": "2",
            "offsets.topic.replication.factor": "3",
            "transaction.state.log.replication.factor": "3",
            "transaction.state.log.min.isr": "2",
            **NODE_SESSION,
        }
        nodes.append(KafkaNode(home, folder / str(number), port, settings, cluster))
    return Cluster(nodes)
