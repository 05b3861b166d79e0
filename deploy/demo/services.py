"""The demo's processes: broker, worker, trainer and consumer, started in order and ended together."""

import json
import math
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from signal import SIGTERM

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from deploy.machine.brokers import EmbeddedBroker
from deploy.machine.process import ChildProcess
from deploy.settings.config import Settings
from encoders.errors import MmbindError
from streams.precision.figures import PrecisionEstimate

READY_S = 60.0
STOP_S = 20.0
# One thread each: the three share two cores with the broker.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


class ServiceError(MmbindError):
    """A service of the demo did not start, or ended by itself; the message has its last words."""


class Services:
    """Everything that runs beside us; a context manager that leaves nothing behind.

    Args:
        broker: Running.
        settings: What the services are told, by a file that is written to `folder`.
        folder: For logs and the settings file.
    """

    def __init__(self, broker: EmbeddedBroker, settings: Settings, settings_file: Path, folder: Path) -> None:
        self._broker = broker
        self._settings = settings

        def service(name: str, *command: str) -> ChildProcess:
            return ChildProcess(name, [sys.executable, "-m", *command], folder / f"{name}.log", ENVIRONMENT)

        self.worker = service("worker", "deploy.cli", "stream", "--config", str(settings_file))
        self.trainer = service("trainer", "deploy.cli", "train", "--config", str(settings_file))
        self.consumer = service("consumer", "deploy.demo.consumer", str(settings_file))

    @property
    def all(self) -> tuple[ChildProcess, ...]:
        """The processes, in the order in which they end."""
        return self.worker, self.trainer, self.consumer

    def __enter__(self) -> "Services":
        for process in self.all:
            process.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def wait_until_ready(self) -> None:
        """Returns when worker and trainer say that they are.

        Raises:
            ServiceError: If they do not in time, or end.
        """
        runtime = self._settings.runtime
        self._wait_for_one("worker", runtime.stream_port)
        self._wait_for_one("trainer", runtime.trainer_port)

    def _wait_for_one(self, name: str, port: int) -> None:
        self.wait(
            lambda: not not_ready(port), READY_S, lambda: f"the {name} is not ready: {'; '.join(not_ready(port))}"
        )

    def wait(self, is_done: Callable[[], bool], timeout_s: float, complaint: Callable[[], str]) -> None:
        """Returns when `is_done`.

        Raises:
            ServiceError: If that takes longer, or a service ends meanwhile.
        """
        end_s = time.monotonic() + timeout_s
        while not is_done():
            self.check()
            if time.monotonic() > end_s:
                raise ServiceError(f"after {timeout_s:.0f} s: {complaint()}")
            time.sleep(0.1)

    def check(self) -> None:
        """Raises ServiceError if anything has ended by itself."""
        if self._broker.failure:
            raise ServiceError(self._broker.failure)
        for process in self.all:
            if not process.alive:
                raise ServiceError(
                    f"the {process.name} ended with exit code {process.exit_code}; {process.log_file} ends with\n"
                    f"{process.log_tail()}"
                )

    def stop(self) -> dict[str, int | None]:
        """Ends all, all at once; their exit codes by name."""
        for process in self.all:
            process.signal(SIGTERM)
        return {process.name: process.stop(STOP_S) for process in self.all}


def not_ready(port: int, host: str = "127.0.0.1") -> list[str]:
    """Why the service on this port is not ready; empty when it is."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/readyz", timeout=2):
            return []
    except urllib.error.HTTPError as error:
        with error:
            return list(json.loads(error.read())["reasons"])
    except OSError as error:
        return [str(error)]


def scrape(port: int, host: str = "127.0.0.1") -> dict[str, float]:
    """The metrics that a service shows now, by `name` or `name{label="value"}`; empty when it does not answer."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=2) as answer:
            text = answer.read().decode()
    except OSError:
        return {}
    return {_series(one): one.value for family in text_string_to_metric_families(text) for one in family.samples}


def _series(sample: Sample) -> str:
    labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
    return f"{sample.name}{{{labels}}}" if labels else sample.name


def precision_estimate(shown: Mapping[str, float]) -> PrecisionEstimate:
    """What a worker's metrics say of precision; how many queries it is of they do not show."""
    if shown.get('mmbind_pair_precision_state{state="none"}') == 1:
        return PrecisionEstimate("none")
    if shown.get('mmbind_pair_precision_state{state="estimated"}') != 1:
        return PrecisionEstimate("unknown")
    ends = (shown.get(f'mmbind_pair_precision_interval{{end="{end}"}}', math.nan) for end in ("low", "high"))
    low, high = (None if math.isnan(value) else value for value in ends)
    return PrecisionEstimate("estimated", shown["mmbind_pair_precision_estimate"], low, high)
