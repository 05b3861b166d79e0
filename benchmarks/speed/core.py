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
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.command_line import parser_of, write_json
from benchmarks.speed.arms import BATCH, Core, Naive, WholePipeline
from benchmarks.speed.workload import SPEC, as_a_worker_does, first_encoder, overlapping_windows, plain_index
from encoders.nets import EncoderFunction, encoder_weights
from encoders.scaling import fit_scaling
from streams.records import SensorWindow
from streams.settings import BindingSettings, IndexSettings
from streams.similarity.descriptor import Descriptor
from trainer.settings import TrainerSettings

ARMS = {"a": "naive", "b": "core", "c": "bare parts", "d": "pipeline", "e": "plain top-1", "f": "arrival"}
TOP_1 = BindingSettings(partners=1, hub_correction=0.0, lag_tolerant=False, calibration=False, review_samples=0)


# A history that was remembered was never asked again, which costs more once: as many windows as are held.
WARM = BindingSettings().held_windows


def measure(
    windows: Sequence[SensorWindow], history: int, rounds: int, round_windows: int, warm: int = WARM
) -> dict[str, list[float]]:
    """Microseconds a window of each arm, one figure a round, after so many to warm up.

    Raises:
        ValueError: If there are fewer windows than that.
    """
    if len(windows) < history + warm + rounds * round_windows:
        raise ValueError(f"{len(windows)} windows, wanted {history} + {warm} + {rounds} x {round_windows}")
    encoder = first_encoder(SPEC)
    encode = EncoderFunction(SPEC, encoder_weights(encoder))
    by_source: dict[str, list[np.ndarray]] = {}
    for one in windows[:history]:
        by_source.setdefault(one.source_id, []).append(one.values)
    scalings = {source: fit_scaling(np.stack(values)) for source, values in by_source.items()}
    index = IndexSettings(history_samples=history)
    arms: dict[str, Naive | Core | WholePipeline] = {
        "a": Naive(encoder, scalings, index, len(windows), batch=1),
        "b": Core(encode, scalings, index),
        "c": Naive(encoder, scalings, index, len(windows), batch=BATCH),
        "d": WholePipeline(encode, index),
        "e": Core(encode, scalings, index, TOP_1),
        "f": Core(encode, scalings, index, BindingSettings(review_samples=0)),
    }
    for arm in arms.values():
        arm.fill(windows[:history])
        arm.run(windows[history : history + warm])
    took: dict[str, list[float]] = {name: [] for name in arms}
    start = history + warm
    for first in range(start, start + rounds * round_windows, round_windows):
        part = windows[first : first + round_windows]
        for name, arm in arms.items():
            took[name].append(_seconds(lambda arm=arm, part=part: arm.run(part)) * 1e6 / round_windows)  # type: ignore[misc]
    return took


def sealing_us(index: IndexSettings, dim: int) -> float:
    """Microseconds of a second core that a window's place in a graph costs, behind the stream's back."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(index.segment_samples, 16)) @ rng.normal(size=(16, dim))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    graph = plain_index(len(rows), index, dim)
    return _seconds(lambda: graph.add_items(rows, num_threads=1)) * 1e6 / len(rows)


def _seconds(work: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s


def figures_of(took: Mapping[str, Sequence[float]], sealing: float, history: int) -> dict[str, Any]:
    """Medians, and ratios of each round, so that what disturbs one arm disturbs the other too."""
    return {
        "history": history,
        "batch": BATCH,
        "cores": os.cpu_count(),
        "us_per_window": took,
        "median_us_per_window": {name: float(np.median(values)) for name, values in took.items()},
        "sealing_us_per_window": sealing,
        "core_over_naive": _times_as_fast(took, "b", "a"),
        "core_over_bare": _times_as_fast(took, "b", "c"),
        "core_over_top_1": _times_as_fast(took, "b", "e"),
        "top_1_over_bare": _times_as_fast(took, "e", "c"),
    }


def table(took: Mapping[str, Sequence[float]], figures: Mapping[str, Any]) -> Table:
    """A row for each arm; below, the three ratios next to what is aimed at."""
    title = f"{figures['history']} samples of history, batches of {BATCH}, one thread"
    shown = Table(title=title, caption_justify="left")
    for column in ("arm", "us/window", "slowest", "windows/s", "x naive", "x bare", "x e"):
        shown.add_column(column, justify="left" if column == "arm" else "right", no_wrap=True)
    for name, values in took.items():
        speed = [f"{_times_as_fast(took, name, other):.2f}" for other in ("a", "c", "e")]
        us = figures["median_us_per_window"][name]
        shown.add_row(f"{name}  {ARMS[name]}", f"{us:.0f}", f"{max(values):.0f}", f"{1e6 / us:,.0f}", *speed)
    sealing = figures["sealing_us_per_window"]
    shown.caption = (
        f"Sealing a window into a graph, later and in a background thread: {sealing:.0f} us of another core.\n"
        f"b/a {figures['core_over_naive']:.2f} (aim 2)   b/c {figures['core_over_bare']:.2f} (aim 0.7)   "
        f"b/e {figures['core_over_top_1']:.2f} (aim 0.5)"
    )
    return shown


def _times_as_fast(took: Mapping[str, Sequence[float]], arm: str, other: str) -> float:
    return float(np.median(np.divide(took[other], took[arm])))


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: how long the history is, and how much is timed after it."""
    parser = parser_of(__doc__)
    parser.add_argument("--history", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--round-windows", type=int, default=1024)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Times all arms in turn, prints the table, writes the figures."""
    asked = arguments(given)
    as_a_worker_does()
    took = measure(overlapping_windows(), asked.history, asked.rounds, asked.round_windows)
    sealing = sealing_us(IndexSettings(), Descriptor(SPEC).dim + TrainerSettings().dim)
    figures = figures_of(took, sealing, asked.history)
    Console().print(table(took, figures))
    if asked.json:
        write_json(figures, asked.json)


if __name__ == "__main__":
    main()
