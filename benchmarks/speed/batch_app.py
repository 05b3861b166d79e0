"""A hand-written app for the plain job: `python -m benchmarks.speed.batch_app batch FILE.json`.

No framework: what a poll gave is decoded, embedded, looked for and inserted together, one message goes out for each
window, and offsets are committed once a second, after what came of them was written.
"""

import logging
import signal
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from kafka import KafkaConsumer, KafkaProducer

from benchmarks.speed.faust_apps import FETCHED, NaiveJob
from benchmarks.speed.workload import NEAREST
from encoders.scaling import RobustScaler
from streams.broker.connection import calm_client_logs
from streams.messages.codec import decode_window, encode, split
from streams.messages.topic_names import TopicNames
from streams.records import Binding, Partner, SensorWindow
from streams.settings import StreamSettings

BATCH = 64
COMMIT_EVERY_S = 1.0


class BatchJob(NaiveJob):
    """The plain job for many windows at once."""

    def run_many(self, raws: list[bytes]) -> list[bytes]:
        """The Bindings of encoded windows, encoded."""
        windows = [decode_window(raw) for raw in raws]
        vectors = self.embed(np.stack([self._scaled(one) for one in windows]))
        found = self._nearest(vectors) if self._ids else None
        self._index.add_items(vectors, np.arange(len(self._ids), len(self._ids) + len(windows)), num_threads=1)
        written = []
        for place, window in enumerate(windows):
            partners = self._chosen(*found, place, window.source_id) if found else ()
            outcome: Any = "bound" if partners else "alone"
            one = Binding(sample_id=window.identity, round=0, model_version=1, outcome=outcome, partners=partners)
            written.append(encode(one))
        self._ids += [one.identity for one in windows]
        self._sources += [one.source_id for one in windows]
        return written

    def _scaled(self, window: SensorWindow) -> np.ndarray:
        scaler = self._scalers.setdefault(window.source_id, RobustScaler(self._settings.ingest.scaling_windows))
        return scaler.update(window.values).apply(window.values)

    def _nearest(self, vectors: np.ndarray) -> tuple[list[list[int]], list[list[float]]]:
        rows, distances = self._index.knn_query(vectors, k=min(FETCHED, len(self._ids)), num_threads=1)
        return rows.tolist(), (1 - distances).tolist()

    def _chosen(
        self, rows: list[list[int]], similarities: list[list[float]], place: int, source_id: str
    ) -> tuple[Partner, ...]:
        found = [
            (self._ids[row], similarity)
            for row, similarity in zip(rows[place], similarities[place], strict=True)
            if self._sources[row] != source_id
        ]
        return tuple(
            Partner(sample_id=id_, similarity=similarity, probability=1 / NEAREST)
            for id_, similarity in found[:NEAREST]
        )


def run(settings: StreamSettings) -> None:
    """Works until SIGTERM."""
    names, job = TopicNames(settings.topics.prefix), BatchJob(settings)
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
            for (key, _), value in zip(part, job.run_many([raw for _, raw in part]), strict=True):
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
