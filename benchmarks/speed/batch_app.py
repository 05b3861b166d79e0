"""A hand-written app for the plain job: `python -m benchmarks.speed.batch_app batch FILE.json`.

No framework: what a poll gave is decoded, embedded, looked for and inserted together, one message goes out for each
window, and offsets are committed once a second, after what came of them was written.
"""

import logging
import signal
import sys
import time
from pathlib import Path

import msgspec
from kafka import KafkaConsumer, KafkaProducer

from benchmarks.speed.faust_apps import PlainJob
from streams.broker.connection import calm_client_logs
from streams.messages.codec import split
from streams.messages.topic_names import TopicNames
from streams.settings import StreamSettings

BATCH = 64
COMMIT_EVERY_S = 1.0


def run(settings: StreamSettings) -> None:
    """Works until SIGTERM."""
    names, job = TopicNames(settings.topics.prefix), PlainJob(settings)
    servers = settings.broker.bootstrap_servers
    consumer = KafkaConsumer(
        names.windows(settings.shared_modality),
        bootstrap_servers=servers,
        group_id=f"{settings.topics.prefix}batch",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 << 20,
    )
    producer = KafkaProducer(bootstrap_servers=servers, enable_idempotence=False, linger_ms=2)
    committed_s, is_told = time.monotonic(), False
    while True:
        polled = consumer.poll(timeout_ms=200, max_records=BATCH)
        if consumer.assignment() and not is_told:
            logging.getLogger(__name__).info("given partitions")
            is_told = True
        raws = [(one.key, raw) for many in polled.values() for one in many for raw in split(one.value)]
        for start in range(0, len(raws), BATCH):
            part = raws[start : start + BATCH]
            for (key, _), value in zip(part, job.run([raw for _, raw in part]), strict=True):
                producer.send(names.pairs, key=key, value=value)
        if time.monotonic() > committed_s + COMMIT_EVERY_S:
            producer.flush()
            consumer.commit()
            committed_s = time.monotonic()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    calm_client_logs()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    given = msgspec.json.decode(Path(sys.argv[2]).read_bytes())
    run(StreamSettings.model_validate(given["settings"]))
