"""A loop over a topic as one writes it by hand, without a framework: what comes of a poll goes out together."""

import logging
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from kafka import KafkaConsumer, KafkaProducer

from streams.broker.connection import calm_client_logs
from streams.settings import StreamSettings

COMMIT_EVERY_S = 1.0


class Out(NamedTuple):
    """A message to write."""

    topic: str
    key: bytes | None
    value: bytes


def settings_in(file: str) -> StreamSettings:
    """The settings that a benchmark left in a file for this process, which logs from now on, and ends by SIGTERM."""
    logging.basicConfig(level=logging.INFO)
    calm_client_logs()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    return StreamSettings.model_validate(msgspec.json.decode(Path(file).read_bytes())["settings"])


def loop(settings: StreamSettings, topic: str, at_once: int, work: Callable[[Sequence[Any]], Iterable[Out]]) -> None:
    """Works without an end; offsets are committed once a second, after what came of them was written.

    Args:
        settings: Which broker.
        topic: Is read from its beginning.
        at_once: So many messages of a poll at most.
        work: What comes of them.
    """
    servers = settings.broker.bootstrap_servers
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=servers,
        group_id=f"{settings.topics.prefix}by-hand",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 << 20,
    )
    producer = KafkaProducer(bootstrap_servers=servers, enable_idempotence=False, linger_ms=2)
    committed_s, is_told = time.monotonic(), False
    while True:
        polled = consumer.poll(timeout_ms=200, max_records=at_once)
        if consumer.assignment() and not is_told:
            logging.getLogger(__name__).info("given partitions")
            is_told = True
        for out in work([message for many in polled.values() for message in many]):
            producer.send(out.topic, key=out.key, value=out.value)
        if time.monotonic() > committed_s + COMMIT_EVERY_S:
            producer.flush()
            consumer.commit()
            committed_s = time.monotonic()
