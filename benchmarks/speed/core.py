"""What the core costs next to a naive loop and next to its bare parts, in one process, on real windows.

    python -m benchmarks.speed.core [--history 10000] [--rounds 7] [--round-windows 1024] [--json FILE]

Overlapping 5 s windows of linear acceleration (recordings of the package seglearn), one encoder for all:
a  naive: one event at a time, embed a batch of one, ask one HNSW index for the 10 nearest, insert;
b  core: validation, embedding (descriptor and encoder), search, scoring, Bindings, in micro-batches of 64;
c  bare: one forward pass, one query, one insertion into one HNSW index for each 64 windows, nothing else;
d  pipeline: b with intake, scaling and assembly, as `mmbind replay --offline` runs it (for information);
e  top-1: b with the one most similar and nothing else: no lags, no hubs, no estimate, nobody asked again;
f  arrival: b with nobody asked again (for information).

The arms take turns and the table has medians, since a machine is seldom quiet.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import hnswlib
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.signal import butter, filtfilt

from deploy.recordings.watch import RATE_HZ, SHARED, START_NS, read_watch_file
from encoders.modality import ModalitySpec
from encoders.nets import Encoder, EncoderFunction, encoder_weights
from encoders.scaling import Scaling, fit_scaling
from streams.binder import Binder
from streams.intake.validation import validate
from streams.pipeline import Pipeline
from streams.records import Sample, SensorWindow
from streams.settings import BindingSettings, IndexSettings, IngestSettings, ModalitySettings, StreamSettings
from streams.similarity.descriptor import Descriptor
from trainer.settings import TrainerSettings

BATCH = 64
HOP_STEPS = 8
NS_PER_S = 1_000_000_000
SPEC = ModalitySpec(name=SHARED, n_channels=3, n_steps=250, rate_hz=RATE_HZ, unit="g")
ARMS = {"a": "naive", "b": "core", "c": "bare parts", "d": "pipeline", "e": "plain top-1", "f": "arrival"}
TOP_1 = BindingSettings(partners=1, hub_correction=0.0, lag_tolerant=False, calibration=False, review_samples=0)

Scalings = dict[str, Scaling]


class Naive:
    """One event at a time, and with `batch` the bare parts: encoder and one HNSW index, nothing else."""

    def __init__(self, encoder: Encoder, scalings: Scalings, index: IndexSettings, capacity: int, batch: int) -> None:
        self._encoder, self._scalings, self._batch, self._ef = encoder, scalings, batch, index.ef
        self._index = hnswlib.Index(space="ip", dim=TrainerSettings().dim)
        self._index.init_index(capacity, M=index.M, ef_construction=index.ef_construction, random_seed=1)
        self._index.set_ef(index.ef)

    def fill(self, windows: Sequence[SensorWindow]) -> None:
        """Takes a history."""
        for start in range(0, len(windows), BATCH):
            self._index.add_items(self._embed(windows[start : start + BATCH]), num_threads=1)

    def run(self, windows: Sequence[SensorWindow]) -> None:
        """Takes windows, asking for the nearest of each."""
        for start in range(0, len(windows), self._batch):
            vectors = self._embed(windows[start : start + self._batch])
            self._index.knn_query(vectors, k=10, num_threads=1)
            self._index.add_items(vectors, num_threads=1)

    def _embed(self, windows: Sequence[SensorWindow]) -> np.ndarray:
        scaled = np.stack([self._scalings[one.source_id].apply(one.values) for one in windows])
        with torch.inference_mode():
            vectors: np.ndarray = self._encoder(torch.from_numpy(scaled)).numpy()
        return vectors


def settings_of(index: IndexSettings, binding: BindingSettings) -> StreamSettings:
    """Of a stream with one modality, whose windows come at every hop."""
    return StreamSettings(
        modalities={SHARED: ModalitySettings(n_channels=SPEC.n_channels, n_steps=SPEC.n_steps, rate_hz=SPEC.rate_hz)},
        shared_modality=SHARED,
        ingest=IngestSettings(hop_s=HOP_STEPS / RATE_HZ),
        index=index,
        binding=binding,
    )


class Core:
    """Validation and binder, with a generation of the same encoder."""

    def __init__(
        self, encode: EncoderFunction, scalings: Scalings, index: IndexSettings, binding: BindingSettings | None = None
    ) -> None:
        self._scalings, self._encode = scalings, encode
        self._specs = {SHARED: SPEC}
        self._binder = Binder(settings_of(index, binding or BindingSettings()))

    def fill(self, windows: Sequence[SensorWindow]) -> None:
        """Takes a history, then the generation."""
        self._binder.remember([self._sample(one) for one in windows])
        self._binder.use(1, {SHARED: self._encode})

    def run(self, windows: Sequence[SensorWindow]) -> None:
        """Binds windows in micro-batches."""
        for start in range(0, len(windows), BATCH):
            self._binder.observe([self._sample(one) for one in windows[start : start + BATCH]])

    def _sample(self, window: SensorWindow) -> Sample:
        key = window.source_id.encode()
        now_ns = window.start_ns
        window = validate(window, SHARED, key, self._specs, now_ns, max_future_s=60.0, length_tolerance=0.1)
        return Sample(
            sample_id=f"{window.source_id}@{window.start_ns}",
            source_id=window.source_id,
            start_ns=window.start_ns,
            windows={SHARED: window.values},
            scaling={SHARED: self._scalings[window.source_id]},
        )


class Whole:
    """The pipeline from windows to Bindings."""

    def __init__(self, encode: EncoderFunction, index: IndexSettings) -> None:
        self._encode, self._pipeline = encode, Pipeline(settings_of(index, BindingSettings()))

    def fill(self, windows: Sequence[SensorWindow]) -> None:
        """Takes a history, then the generation."""
        self._pipeline.feed(windows)
        self._pipeline.binder.use(1, {SHARED: self._encode})

    def run(self, windows: Sequence[SensorWindow]) -> None:
        """Feeds windows."""
        self._pipeline.feed(windows)


def overlapping_windows() -> list[SensorWindow]:
    """All 5 s windows every 0.16 s of linear acceleration, every node playing its recordings, in order of time."""
    raw = read_watch_file()
    low_pass = butter(2, 0.3, fs=RATE_HZ)
    windows: list[SensorWindow] = []
    played: dict[str, int] = {}
    for signal, person, side in zip(raw["X"], raw["subject"], raw["side"], strict=True):
        source = f"person-{int(person):02d}-{'right' if side else 'left'}"
        moving = (signal[:, :3] - filtfilt(*low_pass, signal[:, :3], axis=0)).astype(np.float32)
        for first in range(0, len(moving) - SPEC.n_steps + 1, HOP_STEPS):
            slot = played[source] = played.get(source, 0) + 1
            values = np.ascontiguousarray(moving[first : first + SPEC.n_steps])
            start_ns = START_NS + slot * HOP_STEPS * NS_PER_S // RATE_HZ
            windows.append(SensorWindow(source_id=source, modality=SHARED, start_ns=start_ns, values=values))
    return sorted(windows, key=lambda one: (one.start_ns, one.source_id))


def measure(history: int, rounds: int, round_windows: int) -> dict[str, list[float]]:
    """Microseconds a window of each arm, one figure a round.

    Raises:
        ValueError: If there are fewer windows than that.
    """
    windows = overlapping_windows()
    if len(windows) < history + rounds * round_windows:
        raise ValueError(f"{len(windows)} windows, wanted {history} + {rounds} x {round_windows}")
    torch.manual_seed(0)
    encoder = Encoder(SPEC, TrainerSettings().dim, TrainerSettings().width).eval()
    encode = EncoderFunction(SPEC, encoder_weights(encoder))
    by_source: dict[str, list[np.ndarray]] = {}
    for one in windows[:history]:
        by_source.setdefault(one.source_id, []).append(one.values)
    scalings = {source: fit_scaling(np.stack(values)) for source, values in by_source.items()}
    index = IndexSettings(history_samples=history)
    arms: dict[str, Naive | Core | Whole] = {
        "a": Naive(encoder, scalings, index, len(windows), batch=1),
        "b": Core(encode, scalings, index),
        "c": Naive(encoder, scalings, index, len(windows), batch=BATCH),
        "d": Whole(encode, index),
        "e": Core(encode, scalings, index, TOP_1),
        "f": Core(encode, scalings, index, BindingSettings(review_samples=0)),
    }
    for arm in arms.values():
        arm.fill(windows[:history])
    took: dict[str, list[float]] = {name: [] for name in arms}
    for first in range(history, history + rounds * round_windows, round_windows):
        part = windows[first : first + round_windows]
        for name, arm in arms.items():
            took[name].append(_seconds(lambda arm=arm, part=part: arm.run(part)) * 1e6 / round_windows)  # type: ignore[misc]
    return took


def sealing_us(index: IndexSettings, dim: int) -> float:
    """Microseconds of a second core that a window's place in a graph costs, behind the stream's back."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(index.segment_samples, 16)) @ rng.normal(size=(16, dim))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    graph = hnswlib.Index(space="ip", dim=dim)
    graph.init_index(len(rows), M=index.M, ef_construction=index.ef_construction)
    return _seconds(lambda: graph.add_items(rows, num_threads=1)) * 1e6 / len(rows)


def _seconds(work: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s


def report(took: dict[str, list[float]], sealing: float, history: int) -> dict[str, object]:
    """Prints the table, gives the figures: ratios are of each round, so that what disturbs one disturbs both."""
    medians = {name: float(np.median(values)) for name, values in took.items()}
    figures: dict[str, object] = {
        "history": history,
        "batch": BATCH,
        "cores": os.cpu_count(),
        "us_per_window": took,
        "median_us_per_window": medians,
        "sealing_us_per_window": sealing,
        "core_over_naive": float(np.median(np.divide(took["a"], took["b"]))),
        "core_over_bare": float(np.median(np.divide(took["c"], took["b"]))),
        "core_over_top_1": float(np.median(np.divide(took["e"], took["b"]))),
    }
    table = Table(title=f"{history} samples of history, batches of {BATCH}, one thread")
    for column in ("arm", "us/window", "slowest", "windows/s", "x naive", "x bare", "x e"):
        table.add_column(column, justify="left" if column == "arm" else "right", no_wrap=True)
    for name, values in took.items():
        speed = [f"{np.median(np.divide(took[other], values)):.2f}" for other in ("a", "c", "e")]
        us = medians[name]
        table.add_row(f"{name}  {ARMS[name]}", f"{us:.0f}", f"{max(values):.0f}", f"{1e6 / us:,.0f}", *speed)
    console = Console()
    console.print(table)
    console.print(f"Sealing a window into a graph, later and in a background thread: {sealing:.0f} us of another core.")
    console.print(f"b/a {figures['core_over_naive']:.2f} (aim 2)   b/c {figures['core_over_bare']:.2f} (aim 0.7)")
    console.print(f"b/e {figures['core_over_top_1']:.2f} (aim 0.5)")
    return figures


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--history", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--round-windows", type=int, default=1024)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    took = measure(given.history, given.rounds, given.round_windows)
    figures = report(took, sealing_us(IndexSettings(), Descriptor(SPEC).dim + TrainerSettings().dim), given.history)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
