"""Two plain Faust apps to compare the worker with: `python -m benchmarks.speed.faust_apps naive|pass FILE.json`.

naive: one event at a time: decode, embed a batch of one, ask one HNSW index for the 10 nearest of other sources,
insert, one message out. pass: the bytes of each event go on as they came. The settings of Faust are the worker's.
"""

import logging
import sys
from collections.abc import Sequence
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
from streams.records import Binding, Outcome, Partner, SensorWindow
from streams.settings import StreamSettings
from streams.worker.faust_app import RAW, faust_app, group_id

# More windows than `overlapping_windows` gives: 26,217.
CAPACITY = 50_000
# Some of the nearest are of the same source and do not count: so many are looked for that mostly enough are left.
FETCHED = 32


class PlainJob:
    """Decode, embed, look for neighbours, insert, encode: some windows at once, on one thread."""

    def __init__(self, settings: StreamSettings) -> None:
        torch.set_num_threads(1)
        self._n_fit = settings.ingest.scaling_windows
        self._encoder = first_encoder(settings.specs[settings.shared_modality])
        self._index = plain_index(CAPACITY, settings.index)
        self._scalers: dict[str, RobustScaler] = {}
        self._ids: list[str] = []
        self._sources: list[str] = []

    def run(self, raws: Sequence[bytes]) -> list[bytes]:
        """The Bindings of encoded windows, encoded; none is bound to one that came with it."""
        windows = [decode_window(raw) for raw in raws]
        with torch.inference_mode():
            vectors = self._encoder(torch.from_numpy(np.stack([self._scaled(one) for one in windows]))).numpy()
        found = self._partners(vectors, [one.source_id for one in windows])
        self._index.add_items(vectors, np.arange(len(self._ids), len(self._ids) + len(windows)), num_threads=1)
        self._ids += [one.identity for one in windows]
        self._sources += [one.source_id for one in windows]
        return [encode(_binding(one.identity, partners)) for one, partners in zip(windows, found, strict=True)]

    def _scaled(self, window: SensorWindow) -> np.ndarray:
        scaler = self._scalers.setdefault(window.source_id, RobustScaler(self._n_fit))
        return scaler.update(window.values).apply(window.values)

    def _partners(self, vectors: np.ndarray, source_ids: Sequence[str]) -> list[tuple[Partner, ...]]:
        if not self._ids:
            return [()] * len(vectors)
        rows, distances = self._index.knn_query(vectors, k=min(FETCHED, len(self._ids)), num_threads=1)
        chosen = []
        for own_rows, own_distances, source_id in zip(rows.tolist(), distances.tolist(), source_ids, strict=True):
            found = [
                Partner(sample_id=self._ids[row], similarity=1 - distance, probability=1 / NEAREST)
                for row, distance in zip(own_rows, own_distances, strict=True)
                if self._sources[row] != source_id
            ]
            chosen.append(tuple(found[:NEAREST]))
        return chosen


def _binding(sample_id: str, partners: tuple[Partner, ...]) -> Binding:
    outcome: Outcome = "bound" if partners else "alone"
    return Binding(sample_id=sample_id, round=0, model_version=1, outcome=outcome, partners=partners)


def run(job: str, settings: StreamSettings, is_embedded: bool) -> None:
    """Works until SIGTERM; ends the process."""
    app = faust_app(settings, is_embedded, group_id(settings))
    names = TopicNames(settings.topics.prefix)
    out = app.topic(names.pairs, **RAW)
    plain = PlainJob(settings)

    @app.agent(app.topic(names.windows(settings.shared_modality), **RAW))
    async def one_by_one(stream: Any) -> None:
        async for event in stream.events():
            value = plain.run([event.value])[0] if job == "naive" else event.value
            await out.send(key=event.key, value=value)

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
