"""What a sensor's own program imports to send samples as it has them: windows are cut here.

Needs no more than `pip install 'mmbind-stream[client]'`; beside a script whose own files are called `streams.py` or
`encoders.py` it is imported from `mmbind_client`.
"""

import logging
import threading
from types import TracebackType
from typing import Any, Self

from encoders.errors import MmbindError
from encoders.modality import ModalitySpec
from streams.broker.arguments import broker_of
from streams.catalogue import read_catalogue
from streams.cutting.cutter import CutWindow, Phase, WindowCutter
from streams.cutting.samples import samples_of
from streams.producer import WindowProducer

log = logging.getLogger(__name__)

# Gaps one after the other without a whole window between, of which a person should hear.
TOLD_GAPS = 20


class UnknownModality(MmbindError, ValueError):  # noqa: N818 - it says what is so
    """Samples of a modality that the broker's installation does not have; the message names those that it has."""


class SensorClient:
    """Sends raw samples: windows are cut at the modality's rate and hop, which the broker tells at the start.

    One client for all sensors of a node: they are cut at the same instants then, the first time that the node is heard
    of and whole hops after it. How samples are resampled, and what gaps, jitter and steps of the clock do, says
    `streams.cutting.cutter.WindowCutter`. May be used by several threads; ended by `close`, or as a context manager.

    Args:
        bootstrap_servers: `host:port`, several with commas between.
        prefix: Of all topics' names.
        max_gap_s: Between two samples that a straight line still joins; by default four periods of the modality.
        **kafka: What else `WindowProducer` takes: batch, on_error, signing_key, security_protocol...

    Raises:
        BrokerUnreachable: If there is no connection; says which step of it failed.
        LogError: If the broker does not tell its modalities.
        ValueError: If an argument cannot be.

    Example:
        >>> import time
        >>> import numpy as np
        >>> from streams.client import SensorClient
        >>> with SensorClient("127.0.0.1:9092") as client:
        ...     for _ in range(3):  # as samples come: one `[C]`, or several `[n, C]`
        ...         n_sent = client.push("node-7", "gyroscope", time.time_ns(), np.zeros((50, 3)))
        >>> client.n_failed
        0
    """

    def __init__(
        self,
        bootstrap_servers: str = "127.0.0.1:9092",
        prefix: str = "mmbind.",
        *,
        max_gap_s: float | None = None,
        **kafka: Any,
    ) -> None:
        self._max_gap_s = max_gap_s
        self._lock = threading.Lock()
        self._phases: dict[str, Phase] = {}
        self._sensors: dict[tuple[str, str], _Sensor] = {}
        self._producer = WindowProducer(bootstrap_servers, prefix, **kafka)
        try:
            self._known = read_catalogue(broker_of(bootstrap_servers, kafka)[0], prefix)
        except BaseException:
            self._producer.close()
            raise

    @property
    def modalities(self) -> dict[str, ModalitySpec]:
        """Those that windows are taken of, by name."""
        return {name: known.spec for name, known in self._known.items()}

    @property
    def n_failed(self) -> int:
        """Windows that the broker did not take; `on_error` and the log say why."""
        return self._producer.n_failed

    def push(self, node: str, modality: str, t: Any, values: Any) -> int:
        """Takes samples; sends the windows that they complete, and returns how many.

        Args:
            node: Its id.
            modality: What kind of sensor.
            t: Unix times in whole ns, or numpy's datetime64: each sample's `[n]`, or the first one's, which the others
                follow at the modality's rate.
            values: `[n, C]`; one sample `[C]`; `[n]` of one channel.

        Raises:
            UnknownModality: At once; names those that exist.
            ValueError: If times or values cannot be; says what is wanted.
        """
        known = self._known.get(modality)
        if known is None:
            there = ", ".join(sorted(self._known)) or "none: `mmbind topics create` tells them"
            raise UnknownModality(f"modality is {modality!r}, wanted one of those that exist: {there}")
        times, rows = samples_of(known.spec, t, values)
        with self._lock:
            sensor = self._sensors.get((node, modality))
            if sensor is None:
                phase = self._phases.setdefault(node, Phase(known.hop_s))
                sensor = _Sensor(node, WindowCutter(known.spec, phase, self._max_gap_s), known.spec)
                self._sensors[node, modality] = sensor
            return self._send(node, modality, sensor.cut(times, rows))

    def flush(self, timeout_s: float = 30.0) -> None:
        """Returns when all windows that are complete were taken or refused.

        Raises:
            TimeoutError: If that took longer.
        """
        self._producer.flush(timeout_s)

    def close(self, timeout_s: float = 30.0) -> None:
        """Sends what is complete, or lacks the last step only, and ends the connection.

        Raises:
            TimeoutError: If it could not be sent; the connection is ended all the same.
        """
        with self._lock:
            sensors, self._sensors = self._sensors, {}
            for (node, modality), sensor in sensors.items():
                self._send(node, modality, sensor.cutter.flush())
        self._producer.close(timeout_s)

    def __enter__(self) -> Self:
        """The client, closed when the `with` block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Sends what is left and ends the connection, whatever ended the block."""
        self.close()

    def _send(self, node: str, modality: str, windows: list[CutWindow]) -> int:
        for start_ns, values in windows:
            self._producer.send(node, modality, start_ns, values)
        return len(windows)


class _Sensor:
    """One sensor of a node: its cutter, and whether it is one that never fills a window."""

    def __init__(self, node: str, cutter: WindowCutter, spec: ModalitySpec) -> None:
        self.cutter = cutter
        self._node, self._spec = node, spec
        self._gaps_before = 0

    def cut(self, times: Any, rows: Any) -> list[CutWindow]:
        windows = self.cutter.push(times, rows)
        n_gaps = self.cutter.n_gaps - self._gaps_before
        if windows:
            self._gaps_before = self.cutter.n_gaps
        elif n_gaps >= TOLD_GAPS:
            self._gaps_before = self.cutter.n_gaps
            log.warning(
                "%s, %s: %d gaps in a row and no whole window of %g s between them; samples should come at some %g Hz, "
                "or max_gap_s be more", self._node, self._spec.name, n_gaps, self._spec.duration_s, self._spec.rate_hz,
            )  # fmt: skip
        return windows
