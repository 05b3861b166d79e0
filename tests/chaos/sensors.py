"""The harness's own producer: sensors that send on whatever happens, and remember what the broker has taken."""

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import msgspec
from kafka import KafkaProducer

from streams.messages.codec import encode_batch
from streams.messages.topic_names import TopicNames
from streams.records import SensorWindow
from tests.chaos.world import PlayedWorld

# A window by source, modality and start; a moment of a source, whose windows are natural companions.
WindowKey: TypeAlias = tuple[str, str, int]
Moment: TypeAlias = tuple[str, int]

PATIENCE_MS = 600_000
FLUSH_S = 120.0


@dataclass(frozen=True, slots=True, eq=False)
class TakenWindow:
    """A window that the broker has taken, and where it lies."""

    window: SensorWindow
    topic: str
    partition: int
    offset: int

    @property
    def place(self) -> str:
        """For people."""
        return f"{self.topic}[{self.partition}]@{self.offset}"


@dataclass(frozen=True, slots=True)
class ClockStep:
    """How far the clocks of some nodes are off: their windows' starts, and the messages' timestamps."""

    sources: Collection[str] = ()
    start_ns: int = 0
    timestamp_ms: int = 0


class Sensors:
    """Sends a slot of all nodes every `slot_s`, in a thread of its own, from `start` to `stop`.

    Idempotent: what lies twice in a topic of windows was not written twice by this producer.
    """

    def __init__(self, servers: str, names: TopicNames, world: PlayedWorld, slot_s: float) -> None:
        self.taken: dict[WindowKey, TakenWindow] = {}
        self.sent_s: dict[Moment, float] = {}
        self.refused: list[str] = []
        self.clocks: tuple[ClockStep, ...] = ()
        self._names, self._world, self._slot_s = names, world, slot_s
        self._producer = KafkaProducer(
            bootstrap_servers=servers.split(","),
            enable_idempotence=True,
            delivery_timeout_ms=PATIENCE_MS,
            max_block_ms=PATIENCE_MS,
            linger_ms=5,
            reconnect_backoff_max_ms=1000,
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sensors", daemon=True)

    def start(self) -> None:
        """Sends from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Sends no more; returns when everything was taken or refused.

        Raises:
            KafkaTimeoutError: If the broker takes nothing.
        """
        if not self._stop.is_set():
            self._stop.set()
            if self._thread.is_alive():
                self._thread.join()
            self._producer.flush(timeout=FLUSH_S)
            self._producer.close(timeout=FLUSH_S)

    def _run(self) -> None:
        number, due_s = 0, time.monotonic()
        while not self._stop.is_set():
            for window in self._world.slot(number):
                self._send(window)
            number += 1
            due_s = max(due_s + self._slot_s, time.monotonic() - self._slot_s)
            self._stop.wait(due_s - time.monotonic())

    def _send(self, window: SensorWindow) -> None:
        timestamp_ms: int | None = None
        for step in self.clocks:
            if window.source_id in step.sources:
                window = msgspec.structs.replace(window, start_ns=window.start_ns + step.start_ns)
                timestamp_ms = time.time_ns() // 1_000_000 + step.timestamp_ms
        self.sent_s[window.source_id, window.start_ns] = time.monotonic()
        sent = self._producer.send(
            self._names.windows(window.modality),
            key=window.source_id.encode(),
            value=encode_batch([window]),
            timestamp_ms=timestamp_ms,
        )
        sent.add_callback(self._on_taken, window)
        sent.add_errback(partial(self._on_refused, window))

    def _on_taken(self, window: SensorWindow, where: Any) -> None:
        key = (window.source_id, window.modality, window.start_ns)
        self.taken[key] = TakenWindow(window, where.topic, where.partition, where.offset)

    def _on_refused(self, window: SensorWindow, error: Exception) -> None:
        self.refused.append(f"{window.identity}: {type(error).__name__}: {error}")
