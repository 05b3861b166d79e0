"""What new samples lose while a new model's index is built beside them.

    python -m benchmarks.speed.rebuild [--history 12000] [--json FILE]

In one process, without a broker, as a worker does it: a history of real windows (overlapping ones of linear
acceleration) is bound by one model; the generation of another one is built in a thread while windows are bound. The
rate meanwhile stands beside the rate just before, and what the swap itself held the stream up beside a micro-batch.
Then the first model is wanted again, whose generation was held: how long going back took stands beside the build.
"""

import argparse
import itertools
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from rich.console import Console

from benchmarks.command_line import parser_of, write_json
from benchmarks.speed.growth import samples_of, settings_of
from benchmarks.speed.workload import HOP_STEPS, SPEC, as_a_worker_does, first_encoder, overlapping_windows
from deploy.recordings.recordings import NS_PER_S
from encoders.nets import EncoderFunction, encoder_weights
from streams.binder import Binder
from streams.pipeline import MICRO_BATCH
from streams.records import Sample, SensorWindow
from streams.worker.mailbox import WantedModel
from streams.worker.model_build import BuildEnd, ModelBuild

# Windows that are timed before; what is timed meanwhile lasts as long as the build.
BEFORE, WARM = 2048, 4096
# More than a history of 50,000 takes.
HELD_MB = 1024


def measure(samples: Iterator[Sample], history: int, before: int = BEFORE, warm: int = WARM) -> dict[str, Any]:
    """Seconds of each micro-batch before, during and after the build, and those of build and swap."""
    binder = Binder(settings_of(history_samples=history, held_generation_mb=HELD_MB))
    binder.remember(list(itertools.islice(samples, history - before - warm)))
    binder.use(1, {SPEC.name: _encoder(0)})
    _batches(binder, samples, warm)
    before_s = _batches(binder, samples, before)
    models = ModelBuild(time.perf_counter)
    during_s, steps_s, built = _taken_up(models, binder, samples, 2)
    after_s = _batches(binder, samples, before)
    held_bytes = binder.held_bytes
    _, _, back = _taken_up(models, binder, samples, 1)
    return {
        "before_s": before_s,
        "during_s": during_s,
        "after_s": after_s,
        "build_s": built.seconds,
        "n_outrun": built.n_outrun,
        "swap_s": steps_s[-1],
        "longest_after_s": max(after_s),
        "back_s": back.seconds,
        "back_after_windows": before,
        "held_bytes": held_bytes,
    }


def _taken_up(
    models: ModelBuild, binder: Binder, samples: Iterator[Sample], version: int
) -> tuple[list[float], list[float], BuildEnd]:
    """Seconds of each micro-batch with the look after it, until that model binds; those of the looks; the end."""
    models.want(WantedModel(version, lambda: {SPEC.name: _encoder(version - 1)}))
    during_s, steps_s, end = [], [], None
    while end is None:
        during_s += _batches(binder, samples, MICRO_BATCH)
        start_s = time.perf_counter()
        end = models.step(binder)
        steps_s.append(time.perf_counter() - start_s)
        during_s[-1] += steps_s[-1]
    if end.refusal is not None:
        raise end.refusal
    return during_s, steps_s, end


def endless(windows: Sequence[SensorWindow]) -> Iterator[Sample]:
    """One sample for each window, and from the start again, later."""
    span_ns = windows[-1].start_ns - windows[0].start_ns + NS_PER_S
    for turn in itertools.count():
        later = [msgspec.structs.replace(one, start_ns=one.start_ns + turn * span_ns) for one in windows]
        yield from samples_of(later, [frozenset()])


def _encoder(seed: int) -> EncoderFunction:
    return EncoderFunction(SPEC, encoder_weights(first_encoder(SPEC, seed)))


def _batches(binder: Binder, samples: Iterator[Sample], n: int) -> list[float]:
    took = []
    for _ in range(0, n, MICRO_BATCH):
        batch = list(itertools.islice(samples, MICRO_BATCH))
        start_s = time.perf_counter()
        binder.observe(batch)
        took.append(time.perf_counter() - start_s)
    return took


def figures_of(found: dict[str, Any], history: int) -> dict[str, Any]:
    """The rate during the build by that before, and how many micro-batches the swap took."""
    before, during = np.mean(found["before_s"]), np.mean(found["during_s"])
    return {
        "history": history,
        "intake_during_rebuild": float(before / during),
        "swap_in_micro_batches": float(found["swap_s"] / before),
        "longest_before_in_micro_batches": float(max(found["before_s"]) / before),
        "longest_after_in_micro_batches": float(max(found["after_s"]) / before),
        "windows_per_s": float(MICRO_BATCH / before),
        "back_by_build": found["back_s"] / found["build_s"],
        **found,
    }


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: how long the history is."""
    parser = parser_of(__doc__)
    parser.add_argument("--history", type=int, default=12_000)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Builds once, says what it cost, writes the figures."""
    asked = arguments(given)
    as_a_worker_does()
    windows = overlapping_windows(hop_steps=HOP_STEPS // 4)
    figures = figures_of(measure(endless(windows), asked.history), asked.history)
    Console().print(
        f"{figures['windows_per_s']:,.0f} windows/s; while {asked.history:,} samples were built anew "
        f"({figures['build_s']:.0f} s, outrun by the stream {figures['n_outrun']} times) "
        f"{figures['intake_during_rebuild']:.0%} of that; "
        f"the swap took {figures['swap_in_micro_batches']:.1f} micro-batches, "
        f"the longest one after it {figures['longest_after_in_micro_batches']:.1f}, "
        f"before it {figures['longest_before_in_micro_batches']:.1f}; going back to what was held "
        f"({figures['held_bytes'] / (1 << 20):,.0f} MiB), {figures['back_after_windows']:,} windows later, took "
        f"{figures['back_by_build']:.1%} of the build's time ({figures['back_s']:.2f} s)"
    )
    if asked.json:
        write_json(figures, asked.json)


if __name__ == "__main__":
    main()
