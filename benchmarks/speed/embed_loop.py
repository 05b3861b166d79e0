"""An embedder written by hand around a ModelFollower: `python -m benchmarks.speed.embed_loop loop_N FILE.json`.

No framework: up to N samples of what a poll gave are embedded together, one message goes out for each, and offsets are
committed once a second, after what came of them was written.
"""

import logging
import signal
import sys
import time
from pathlib import Path

import msgspec
from kafka import KafkaConsumer, KafkaProducer

from benchmarks.speed.batch_app import COMMIT_EVERY_S
from benchmarks.speed.workload import as_a_worker_does
from streams.broker.connection import calm_client_logs
from streams.follower import ModelFollower
from streams.messages.codec import decode_many, encode
from streams.messages.topic_names import TopicNames
from streams.records import Sample
from streams.settings import StreamSettings


def run(settings: StreamSettings, at_once: int) -> None:
    """Works until SIGTERM."""
    names, prefix = TopicNames(settings.topics.prefix), settings.topics.prefix
    servers = settings.broker.bootstrap_servers
    follower = ModelFollower(servers, settings.registry.root, prefix=prefix)
    follower.start()
    follower.wait_for(1, 60)
    consumer = KafkaConsumer(
        names.samples,
        bootstrap_servers=servers,
        group_id=f"{prefix}loop",
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
        samples = [one for many in polled.values() for raw in many for one in decode_many(raw.value, Sample)]
        for start in range(0, len(samples), at_once):
            for one in follower.embed_samples(samples[start : start + at_once]):
                producer.send(names.embeddings, key=one.source_id.encode(), value=encode(one))
        if time.monotonic() > committed_s + COMMIT_EVERY_S:
            producer.flush()
            consumer.commit()
            committed_s = time.monotonic()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    calm_client_logs()
    as_a_worker_does()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    given = msgspec.json.decode(Path(sys.argv[2]).read_bytes())
    run(StreamSettings.model_validate(given["settings"]), int(sys.argv[1].removeprefix("loop_")))
