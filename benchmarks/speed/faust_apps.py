"""Two plain Faust apps to compare the worker with: `python -m benchmarks.speed.faust_apps naive|pass FILE.json`.

naive: one event at a time: decode, embed a batch of one, ask one HNSW index for the 10 nearest of other sources,
insert, one message out. pass: the bytes of each event go on as they came. The settings of Faust are the worker's.
"""

import logging
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from faust.worker import Worker

from benchmarks.speed.workload import NEAREST, first_encoder, plain_index
from encoders.scaling import RobustScaler
from streams.broker.connection import calm_client_logs
from streams.messages.codec import decode_window, encode
from streams.messages.topic_names import TopicNames
from streams.records import Binding, Outcome, Partner
from streams.settings import StreamSettings
from streams.worker.faust_app import faust_app

# More windows than `overlapping_windows` gives: 26,217.
CAPACITY = 50_000
# Some of the nearest are of the same source and do not count: so many are looked for that mostly enough are left.
FETCHED = 32


class NaiveJob:
    """Decode, embed, look for neighbours, insert, encode: one window after the other, on one thread."""

    def __init__(self, settings: StreamSettings) -> None:
        torch.set_num_threads(1)
        self._settings = settings
        self._encoder = first_encoder(settings.specs[settings.shared_modality])
        self._index = plain_index(CAPACITY, settings.index)
        self._scalers: dict[str, RobustScaler] = {}
        self._ids: list[str] = []
        self._sources: list[str] = []

    def run(self, raw: bytes) -> bytes:
        """The Binding of an encoded window, encoded."""
        window = decode_window(raw)
        scaler = self._scalers.setdefault(window.source_id, RobustScaler(self._settings.ingest.scaling_windows))
        vector = self.embed(scaler.update(window.values).apply(window.values)[None])
        partners = self._partners(vector, window.source_id)
        self._index.add_items(vector, [len(self._ids)], num_threads=1)
        self._ids.append(window.identity)
        self._sources.append(window.source_id)
        outcome: Outcome = "bound" if partners else "alone"
        return encode(Binding(sample_id=window.identity, round=0, model_version=1, outcome=outcome, partners=partners))

    def embed(self, scaled: np.ndarray) -> np.ndarray:
        """Rows of windows `[n, T, C]` in robust units."""
        with torch.inference_mode():
            vectors: np.ndarray = self._encoder(torch.from_numpy(scaled)).numpy()
        return vectors

    def _partners(self, vector: np.ndarray, source_id: str) -> tuple[Partner, ...]:
        if not self._ids:
            return ()
        rows, distances = self._index.knn_query(vector, k=min(FETCHED, len(self._ids)), num_threads=1)
        found = [
            (row, distance)
            for row, distance in zip(rows[0].tolist(), distances[0].tolist(), strict=True)
            if self._sources[row] != source_id
        ]
        return tuple(
            Partner(sample_id=self._ids[row], similarity=1 - distance, probability=1 / NEAREST)
            for row, distance in found[:NEAREST]
        )


def run(job: str, settings: StreamSettings, is_embedded: bool) -> None:
    """Works until SIGTERM; ends the process."""
    app = faust_app(settings, is_embedded)
    names = TopicNames(settings.topics.prefix)
    raw: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    out = app.topic(names.pairs, **raw)
    work = NaiveJob(settings).run if job == "naive" else bytes

    @app.agent(app.topic(names.windows(settings.shared_modality), **raw))
    async def one_by_one(stream: Any) -> None:
        async for event in stream.events():
            await out.send(key=event.key, value=work(event.value))

    @app.on_rebalance_complete.connect
    async def tell(*_: Any, **__: Any) -> None:
        logging.getLogger(__name__).info("given partitions")

    app.finalize()
    Worker(app, quiet=True, override_logging=False, redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    calm_client_logs()
    given = msgspec.json.decode(Path(sys.argv[2]).read_bytes())
    run(sys.argv[1], StreamSettings.model_validate(given["settings"]), given["is_embedded"])
