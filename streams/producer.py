"""What a sensor's own program imports to send its windows."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from encoders.schema import SCHEMA
from streams.broker.arguments import broker_of
from streams.broker.connection import connect_or_explain, producer_config
from streams.messages.codec import CONTENT_TYPE_HEADER, JSON_TYPE, MSGPACK_TYPE, SCHEMA_HEADER, Format, batches
from streams.messages.signature import MIN_KEY_BYTES, SIGNATURE_HEADER, signature
from streams.records import Label, SensorWindow

log = logging.getLogger(__name__)

# The default of `topics.max_message_bytes`.
DEFAULT_MAX_BYTES = 1_000_000
KEPT_ERRORS = 100
# For key, headers and the record's own frame; chosen by hand, generously.
MESSAGE_OVERHEAD_BYTES = 1_024


@dataclass(frozen=True, slots=True, eq=False)
class SendError:
    """Windows that the broker did not take, and why."""

    windows: tuple[SensorWindow, ...]
    error: Exception

    def __str__(self) -> str:
        first = self.windows[0]
        more = f" and {len(self.windows) - 1} more" if len(self.windows) > 1 else ""
        return f"window {first.identity}{more} not sent: {type(self.error).__name__}: {self.error}"


class WindowProducer:
    """Sends sensor windows; a window that is refused is reported and stops none of the others.

    Failures are logged, kept in `errors` (the last hundred), counted in `n_failed`, and given to `on_error`. May be
    used by several threads; ended by `close`, or as a context manager.

    Args:
        bootstrap_servers: `host:port`, several with commas between.
        prefix: Of all topics' names.
        batch: So many windows of a source and modality make a message.
        linger_s: A message that is not full is sent when its first window has waited so long.
        form: msgpack or JSON.
        max_bytes: A message is not made longer, one window alone may be.
        on_error: Called for each failure, from any thread; must not block.
        signing_key: Signs each message, where `ingest.keys_file` is set; of several sources each one's, by its id.
        **kafka: What else kafka-python's KafkaProducer takes: security, compression_type, delivery_timeout_ms...

    Raises:
        BrokerUnreachable: If there is no connection; says which step of it failed.
        ValueError: If an argument cannot be.

    Example:
        >>> import time
        >>> import numpy as np
        >>> from streams.producer import WindowProducer
        >>> with WindowProducer("127.0.0.1:9092") as producer:
        ...     producer.send("node-7", "gyroscope", time.time_ns(), np.zeros((250, 3)))
        >>> producer.n_failed
        0
    """

    def __init__(
        self,
        bootstrap_servers: str = "127.0.0.1:9092",
        prefix: str = "mmbind.",
        *,
        batch: int = 1,
        linger_s: float = 1.0,
        form: Format = "msgpack",
        max_bytes: int = DEFAULT_MAX_BYTES,
        on_error: Callable[[SendError], None] | None = None,
        signing_key: bytes | Mapping[str, bytes] | None = None,
        **kafka: Any,
    ) -> None:
        if batch < 1 or linger_s < 0:
            raise ValueError(f"batch is {batch} and linger_s {linger_s}, wanted at least 1 and 0")
        if kafka.get("enable_idempotence"):
            raise ValueError("enable_idempotence is on: one refused window would then silence the producer for good")
        keys = signing_key.values() if isinstance(signing_key, Mapping) else (signing_key,)
        if any(key is not None and len(key) < MIN_KEY_BYTES for key in keys):
            raise ValueError(f"a signing_key has less than {MIN_KEY_BYTES} bytes")
        self.errors: deque[SendError] = deque(maxlen=KEPT_ERRORS)
        self.n_failed = 0
        self._prefix, self._batch, self._linger_s = prefix, batch, linger_s
        self._form, self._max_bytes, self._on_error = form, max_bytes, on_error
        self._signing_key = signing_key
        self._buffers: dict[tuple[str, str], list[SensorWindow]] = {}
        self._due_s: dict[tuple[str, str], float] = {}
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._producer = _connected(bootstrap_servers, max_bytes, kafka)
        self._sweeper = threading.Thread(target=self._sweep, name="mmbind-producer", daemon=True)
        if batch > 1:
            self._sweeper.start()

    def send(
        self,
        source_id: str,
        modality: str,
        start_ns: int,
        values: Any,
        *,
        label: Label | None = None,
        window_id: str | None = None,
    ) -> None:
        """Sends a window, in time: with `batch` above 1 not before its message is full, `linger_s` over, or `flush`.

        Args:
            source_id: Which node; all its windows go to one partition.
            modality: What kind of sensor.
            start_ns: Time of the first step, in ns since 1970.
            values: `[T, C]`, or `[T]` for one channel.
            label: For evaluation only, never used to bind or to train.
            window_id: Makes a repetition known; by default source, modality and start do.

        Raises:
            ValueError: If `values` are not numbers of that shape, or the source has no signing key where others have.
        """
        if isinstance(self._signing_key, Mapping) and source_id not in self._signing_key:
            raise ValueError(f"there is no signing key for source {source_id!r}")
        array = np.asarray(values, dtype=np.float32)
        if array.ndim not in (1, 2) or not array.size:
            raise ValueError(f"values of shape {array.shape}, wanted [steps, channels] or [steps], not empty")
        window = SensorWindow(
            source_id=source_id,
            modality=modality,
            start_ns=int(start_ns),
            values=array[:, None] if array.ndim == 1 else array,
            window_id=window_id,
            label=label,
        )
        with self._lock:
            key = (source_id, modality)
            self._buffers.setdefault(key, []).append(window)
            self._due_s.setdefault(key, time.monotonic() + self._linger_s)
            if len(self._buffers[key]) >= self._batch:
                self._release(key)

    def flush(self, timeout_s: float = 30.0) -> None:
        """Returns when everything sent so far was taken or refused.

        Raises:
            TimeoutError: If that took longer.
        """
        with self._lock:
            for key in list(self._buffers):
                self._release(key)
        try:
            self._producer.flush(timeout=timeout_s)
        except KafkaTimeoutError as error:
            raise TimeoutError(
                f"the broker has not answered for {timeout_s:g} s: windows may not have arrived"
            ) from error

    def close(self, timeout_s: float = 30.0) -> None:
        """Sends what is left and ends the connection.

        Raises:
            TimeoutError: If what is left could not be sent; the connection is ended all the same.
        """
        self._closing.set()
        if self._sweeper.is_alive():
            self._sweeper.join()
        try:
            self.flush(timeout_s)
        finally:
            self._producer.close(timeout=timeout_s)

    def __enter__(self) -> Self:
        """The producer, closed when the `with` block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Sends what is left and ends the connection, whatever ended the block."""
        self.close()

    def _sweep(self) -> None:
        while not self._closing.wait(max(self._linger_s / 4, 0.01)):
            with self._lock:
                now_s = time.monotonic()
                for key in [key for key, due_s in self._due_s.items() if due_s <= now_s]:
                    self._release(key)

    def _release(self, key: tuple[str, str]) -> None:
        source_id, modality = key
        windows = self._buffers.pop(key)
        self._due_s.pop(key, None)
        for some, value in batches(windows, self._max_bytes - MESSAGE_OVERHEAD_BYTES, self._form):
            self._send(f"{self._prefix}windows.{modality}", source_id.encode(), value, some)

    def _send(self, topic: str, key: bytes, value: bytes, windows: Sequence[SensorWindow]) -> None:
        content_type = JSON_TYPE if self._form == "json" else MSGPACK_TYPE
        headers = [(CONTENT_TYPE_HEADER, content_type.encode()), (SCHEMA_HEADER, SCHEMA.encode())]
        own = self._signing_key
        signing_key = own[windows[0].source_id] if isinstance(own, Mapping) else own
        if signing_key is not None:
            headers.append((SIGNATURE_HEADER, signature(signing_key, key, value)))
        try:
            future = self._producer.send(topic, key=key, value=value, headers=headers)
        except (KafkaError, ValueError) as error:  # too long for this client, no metadata, no such topic name
            self._report(windows, error)
        else:
            future.add_errback(self._report, windows)

    def _report(self, windows: Sequence[SensorWindow], error: Exception) -> None:
        failure = SendError(tuple(windows), error)
        self.errors.append(failure)
        self.n_failed += len(windows)
        log.warning("%s", failure)
        if self._on_error is not None:
            self._on_error(failure)


def _connected(bootstrap_servers: str, max_bytes: int, kafka: dict[str, Any]) -> KafkaProducer:
    broker, others = broker_of(bootstrap_servers, kafka)
    config = {
        **producer_config(broker),
        # Several requests under way could change the order of a source's windows when one is sent again.
        "max_in_flight_requests_per_connection": 1,
        "max_request_size": max_bytes,
        **others,
    }
    return connect_or_explain(lambda: KafkaProducer(**config), broker)
