"""What is timed: the product's core and pipeline, a naive loop, and the bare parts of both."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch

from benchmarks.speed.workload import HOP_STEPS, NEAREST, SPEC, plain_index
from encoders.nets import Encoder, EncoderFunction
from encoders.scaling import Scaling
from streams.binder import Binder
from streams.intake.validation import validate
from streams.pipeline import MICRO_BATCH, Pipeline
from streams.records import Sample, SensorWindow
from streams.settings import BindingSettings, IndexSettings, IngestSettings, ModalitySettings, StreamSettings

# Windows of a micro-batch: as many as the pipeline binds together.
BATCH = MICRO_BATCH

Scalings: TypeAlias = dict[str, Scaling]


class Naive:
    """One event at a time, and with `batch` the bare parts: encoder and one HNSW index, nothing else."""

    def __init__(self, encoder: Encoder, scalings: Scalings, index: IndexSettings, capacity: int, batch: int) -> None:
        self._encoder, self._scalings, self._batch = encoder, scalings, batch
        self._index = plain_index(capacity, index)

    def fill(self, windows: Sequence[SensorWindow]) -> None:
        """Embeds and inserts a history."""
        for start in range(0, len(windows), BATCH):
            self._index.add_items(self._embed(windows[start : start + BATCH]), num_threads=1)

    def run(self, windows: Sequence[SensorWindow]) -> None:
        """Embeds windows, looks for the nearest of each, inserts them."""
        for start in range(0, len(windows), self._batch):
            vectors = self._embed(windows[start : start + self._batch])
            self._index.knn_query(vectors, k=NEAREST, num_threads=1)
            self._index.add_items(vectors, num_threads=1)

    def _embed(self, windows: Sequence[SensorWindow]) -> np.ndarray:
        scaled = np.stack([self._scalings[one.source_id].apply(one.values) for one in windows])
        with torch.inference_mode():
            vectors: np.ndarray = self._encoder(torch.from_numpy(scaled)).numpy()
        return vectors


def settings_of(index: IndexSettings, binding: BindingSettings) -> StreamSettings:
    """Of a stream with one modality, whose windows come at every hop."""
    modality = ModalitySettings(n_channels=SPEC.n_channels, n_steps=SPEC.n_steps, rate_hz=SPEC.rate_hz)
    return StreamSettings(
        modalities={SPEC.name: modality},
        shared_modality=SPEC.name,
        ingest=IngestSettings(hop_s=HOP_STEPS / SPEC.rate_hz),
        index=index,
        binding=binding,
    )


class Core:
    """Validation and binder, with a generation of the same encoder."""

    def __init__(
        self, encode: EncoderFunction, scalings: Scalings, index: IndexSettings, binding: BindingSettings | None = None
    ) -> None:
        self._scalings, self._encode = scalings, encode
        self._specs = {SPEC.name: SPEC}
        self._binder = Binder(settings_of(index, binding or BindingSettings()))

    def fill(self, windows: Sequence[SensorWindow]) -> None:
        """Remembers a history, then swaps the generation in."""
        self._binder.remember([self._sample(one) for one in windows])
        self._binder.use(1, {SPEC.name: self._encode})

    def run(self, windows: Sequence[SensorWindow]) -> None:
        """Binds windows in micro-batches."""
        for start in range(0, len(windows), BATCH):
            self._binder.observe([self._sample(one) for one in windows[start : start + BATCH]])

    def _sample(self, window: SensorWindow) -> Sample:
        key = window.source_id.encode()
        now_ns = window.start_ns
        window = validate(
            window, SPEC.name, key, self._specs, now_ns, earliest_ns=0, max_future_s=60.0, length_tolerance=0.1
        )
        return Sample(
            sample_id=f"{window.source_id}@{window.start_ns}",
            source_id=window.source_id,
            start_ns=window.start_ns,
            windows={SPEC.name: window.values},
            scaling={SPEC.name: self._scalings[window.source_id]},
        )


class WholePipeline:
    """The pipeline from windows to Bindings, as `mmbind replay --offline` runs it."""

    def __init__(self, encode: EncoderFunction, index: IndexSettings) -> None:
        self._encode, self._pipeline = encode, Pipeline(settings_of(index, BindingSettings()))

    def fill(self, windows: Sequence[SensorWindow]) -> None:
        """Binds a history, then swaps the generation in."""
        self._pipeline.feed(windows)
        self._pipeline.binder.use(1, {SPEC.name: self._encode})

    def run(self, windows: Sequence[SensorWindow]) -> None:
        """Intake, scaling, assembly and binding of windows."""
        self._pipeline.feed(windows)
