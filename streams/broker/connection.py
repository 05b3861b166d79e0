"""How the clients reach the broker: their settings, and what they may say about its absence."""

import logging
import ssl
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import kafka.consumer.fetcher
from kafka.errors import KafkaError
from kafka.record.default_records import DefaultRecord

from encoders.errors import MmbindError
from streams.broker.arguments import missing_codec
from streams.broker.certificates import tls_context
from streams.broker.diagnosis import Step, incomplete, misread, probe
from streams.broker.lenient_records import Headers, read_leniently

if TYPE_CHECKING:  # a sensor's program has no pydantic
    from streams.settings import BrokerSettings

Client = TypeVar("Client")

# kafka-python's own is 30 s: after an outage of 12 s a consumer needed 13 s to notice that the broker was back.
RECONNECT_MAX_MS = 2000
CLIENT_LOGGERS = ("kafka", "aiokafka")
# Below warnings they log every connection and every message, which costs a tenth of the throughput.
NOISY_LOGGERS = (*CLIENT_LOGGERS, "faust", "mode", "asyncio")


class BrokerUnreachable(MmbindError, ConnectionError):  # noqa: N818 - it says what is so
    """No client could be made; the message is one sentence, `steps` what was tried."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps = list(steps)
        failed = [step for step in self.steps if not step.ok]
        super().__init__(failed[-1].message if failed else "the broker answers, but the client failed")


def ssl_context(broker: "BrokerSettings") -> ssl.SSLContext | None:
    """The TLS context of any client of this broker, or None where the connection is not encrypted.

    Raises:
        ValueError: If a certificate or key file cannot be used; names the setting.
    """
    if "SSL" not in broker.security_protocol.split("_"):
        return None
    return tls_context(broker, "broker")


def unusable(broker: "BrokerSettings") -> str:
    """Why no client can be made with these settings, in a sentence; empty where one can. Asks no broker."""
    try:
        ssl_context(broker)
    except ValueError as error:
        return str(error)
    if complaint := missing_codec(broker.compression):
        return f"broker.{complaint}"
    wrong = filter(None, (misread(one.strip()) for one in broker.bootstrap_servers.split(",")))
    return next(wrong, "") or incomplete(broker)


def client_config(broker: "BrokerSettings") -> dict[str, Any]:
    """Arguments that KafkaConsumer, KafkaProducer and KafkaAdminClient all take.

    From here on consumers read whatever lies in a topic: see `lenient_records`.

    Raises:
        ValueError: If a certificate file cannot be used.
    """
    read_leniently(kafka.consumer.fetcher, _record)
    config: dict[str, Any] = {
        "bootstrap_servers": [one.strip() for one in broker.bootstrap_servers.split(",") if one.strip()],
        "security_protocol": broker.security_protocol,
        "reconnect_backoff_max_ms": RECONNECT_MAX_MS,
    }
    if context := ssl_context(broker):
        config["ssl_context"] = context
    if broker.security_protocol.startswith("SASL"):
        password = broker.sasl_plain_password
        config["sasl_mechanism"] = broker.sasl_mechanism
        config["sasl_plain_username"] = broker.sasl_plain_username
        config["sasl_plain_password"] = password.get_secret_value() if password else None
    return config


def _record(
    offset: int, timestamp_ms: int, kind: int, key: bytes | None, value: bytes | None, headers: Headers
) -> DefaultRecord:
    return DefaultRecord(len(key or b"") + len(value or b""), offset, timestamp_ms, kind, key, value, headers)


def producer_config(broker: "BrokerSettings") -> dict[str, Any]:
    """Arguments of a KafkaProducer: `client_config` and the compression.

    Idempotence is off: with it, one refused record makes every later send of the same producer fail, and our
    deterministic ids make a repeated record harmless.

    Raises:
        ValueError: If a certificate file cannot be used.
    """
    return client_config(broker) | {
        "compression_type": broker.compression,
        "acks": "all",
        "enable_idempotence": False,
    }


def diagnose(broker: "BrokerSettings", group_id: str | None = None) -> list[Step]:
    """The steps of a connection in their order: the last one failed, or all of them are ok.

    Settings, name, port, tls, protocol, password, metadata, advertised (the addresses that the brokers give), rights.
    With several bootstrap servers one that can be used is enough: then only its steps are returned, else those of all.

    Args:
        broker: How it is to be reached.
        group_id: A consumer group that is looked at: whether it may be used.
    """
    try:
        context = ssl_context(broker)
    except ValueError as error:
        return [Step("settings", False, str(error))]
    return probe(broker, context, group_id)


def connect_or_explain(make: Callable[[], Client], broker: "BrokerSettings", group_id: str | None = None) -> Client:
    """What `make` returns, a client; if it cannot be had, the reason in one sentence.

    The broker is probed first: the clients need half a minute to give up and do not say why.

    Raises:
        BrokerUnreachable: If a step of the connection fails, unusable settings being the first.
    """
    steps = diagnose(broker, group_id)
    if not all(step.ok for step in steps):
        raise BrokerUnreachable(steps)
    try:
        return make()
    except KafkaError as error:
        steps = diagnose(broker, group_id)
        if all(step.ok for step in steps):
            steps.append(Step("client", False, f"broker {broker.bootstrap_servers}: {type(error).__name__}: {error}"))
        raise BrokerUnreachable(steps) from error


class RepeatFilter(logging.Filter):
    """Lets each line of code of the Kafka clients speak once in `interval_s`, and then say how often it was silenced.

    While a broker is away, the clients log an error for every attempt. It passes all other loggers' records, so
    that it can sit on a handler (a filter on a logger would not see its children's).
    """

    def __init__(self, interval_s: float = 60.0, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._interval_s = interval_s
        self._now_s = now_s
        self._passed: dict[tuple[str, int], float] = {}
        self._silenced: dict[tuple[str, int], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record may be written."""
        if record.name.partition(".")[0] not in CLIENT_LOGGERS:
            return True
        key, now_s = (record.pathname, record.lineno), self._now_s()
        if now_s - self._passed.get(key, -self._interval_s) < self._interval_s:
            self._silenced[key] = self._silenced.get(key, 0) + 1
            return False
        self._passed[key] = now_s
        if silenced := self._silenced.pop(key, 0):
            record.msg, record.args = f"{record.getMessage()} (and {silenced} more like it)", ()
        return True


def calm_client_logs(handlers: Iterable[logging.Handler] | None = None, interval_s: float = 60.0) -> None:
    """Hears only warnings of the clients and of what they stand on, and of those each line once in `interval_s`.

    Args:
        handlers: Which get a RepeatFilter, once each; the root logger's without it.
        interval_s: How long a line is silent after it spoke.
    """
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    repeats = RepeatFilter(interval_s)
    for handler in logging.getLogger().handlers if handlers is None else handlers:
        if not any(isinstance(one, RepeatFilter) for one in handler.filters):
            handler.addFilter(repeats)
