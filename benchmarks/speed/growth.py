"""Whether a window costs more as the stream grows: a longer history, more kinds of nodes, modalities, nodes, time.

    python -m benchmarks.speed.growth [--rounds 5] [--turnovers 10] [--json FILE]

In one process, without a broker, pairs of arms that take turns on real windows (overlapping ones of linear
acceleration), everything on:
history     a full history of 60,000 samples, next to one of 20,000;
kinds       nodes with 500 sets of modalities, next to nodes with 2;
modalities  windows of 30 modalities that all nodes have, next to 3, intake included, a window;
sources     10,000 nodes, next to 20, intake included.
Last, a short history is turned over ten times: memory after each, and how many nearest ones the index finds.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.command_line import parser_of, write_json
from benchmarks.speed.workload import HOP_STEPS, SPEC, as_a_worker_does, overlapping_windows
from encoders.scaling import fit_scaling
from streams.binder import Binder
from streams.pipeline import MICRO_BATCH, Pipeline
from streams.records import Sample, SensorWindow
from streams.settings import IndexSettings, IngestSettings, ModalitySettings, StreamSettings

# Of the modalities beside the shared one, so small that their bytes do not count.
SMALL_STEPS = 8
N_EXTRA, N_KINDS = 30, 500
# Windows of one turn, and those of an arm before the first: enough for all that binding keeps to be full.
TURN, WARM = 1024, 4096
SHORT_HISTORY, SHORT_SEGMENT = 4096, 1024
MIB = 1 << 20


class Arm(NamedTuple):
    """What takes turns: `take` works on the next so many windows; a figure is by window."""

    name: str
    take: Callable[[int], None]


def settings_of(n_extra: int = 0, **index: int) -> StreamSettings:
    """A stream of the shared modality and of so many small ones."""
    shared = ModalitySettings(n_channels=SPEC.n_channels, n_steps=SPEC.n_steps, rate_hz=SPEC.rate_hz)
    small = ModalitySettings(n_channels=1, n_steps=SMALL_STEPS, rate_hz=SPEC.rate_hz)
    return StreamSettings(
        modalities={SPEC.name: shared, **{extra(number): small for number in range(n_extra)}},
        shared_modality=SPEC.name,
        ingest=IngestSettings(hop_s=HOP_STEPS / SPEC.rate_hz),
        index=IndexSettings(**index),
    )


def extra(number: int) -> str:
    """The name of a small modality."""
    return f"small-{number:02d}"


def samples_of(windows: Sequence[SensorWindow], kinds: Sequence[frozenset[str]]) -> Iterator[Sample]:
    """One sample for each window, whose node has one of the kinds of modalities, the next one each time."""
    by_source: dict[str, list[np.ndarray]] = {}
    for one in windows:
        by_source.setdefault(one.source_id, []).append(one.values)
    scalings = {source: fit_scaling(np.stack(values[:64])) for source, values in by_source.items()}
    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=(SMALL_STEPS, 1)).astype(np.float32) for kind in kinds for name in sorted(kind)}
    small = fit_scaling(np.stack([*values.values()])) if values else None
    for number, one in enumerate(windows):
        kind = kinds[number % len(kinds)]
        yield Sample(
            sample_id=f"{one.source_id}@{one.start_ns}",
            source_id=one.source_id,
            start_ns=one.start_ns,
            windows={SPEC.name: one.values, **{name: values[name] for name in kind}},
            scaling={SPEC.name: scalings[one.source_id], **{name: small for name in kind if small is not None}},
        )


def binding(name: str, settings: StreamSettings, samples: Iterator[Sample], n_before: int) -> Arm:
    """A binder that has taken so many samples; the next ones are timed."""
    binder = Binder(settings)
    binder.remember(list(itertools.islice(samples, n_before)))

    def take(n: int) -> None:
        for _ in range(0, n, MICRO_BATCH):
            binder.observe(list(itertools.islice(samples, MICRO_BATCH)))

    take(WARM)
    return Arm(name, take)


def feeding(name: str, settings: StreamSettings, windows: Iterator[SensorWindow], n_before: int) -> Arm:
    """A pipeline that has taken so many windows."""
    pipeline = Pipeline(settings)
    pipeline.feed(itertools.islice(windows, n_before))

    def take(n: int) -> None:
        for _ in range(0, n, MICRO_BATCH):
            pipeline.feed(list(itertools.islice(windows, MICRO_BATCH)))

    return Arm(name, take)


def many_kinds(n: int) -> list[frozenset[str]]:
    """So many sets of one to three small modalities, all different."""
    names = [extra(number) for number in range(N_EXTRA)]
    sets = itertools.chain.from_iterable(itertools.combinations(names, size) for size in (1, 2, 3))
    return [frozenset(one) for one in itertools.islice(sets, n)]


def with_modalities(windows: Sequence[SensorWindow], n_modalities: int) -> Iterator[SensorWindow]:
    """Each window, followed by small ones of the same node and time, so many modalities in all."""
    values = np.random.default_rng(0).normal(size=(SMALL_STEPS, 1)).astype(np.float32)
    for one in windows:
        yield one
        for number in range(n_modalities - 1):
            yield SensorWindow(
                source_id=one.source_id, modality=extra(number), start_ns=one.start_ns, values=values + number
            )


def of_sources(windows: Sequence[SensorWindow], n: int) -> Iterator[SensorWindow]:
    """The same windows, each from the next of so many nodes."""
    for number, one in enumerate(windows):
        yield SensorWindow(
            source_id=f"node-{number % n:05d}", modality=one.modality, start_ns=one.start_ns, values=one.values
        )


def in_turns(arms: Sequence[Arm], rounds: int, turn: int = TURN) -> dict[str, list[float]]:
    """Microseconds a window of each arm, one figure a round."""
    took: dict[str, list[float]] = {one.name: [] for one in arms}
    for _ in range(rounds):
        for one in arms:
            start_s = time.perf_counter()
            one.take(turn)
            took[one.name].append(1e6 * (time.perf_counter() - start_s) / turn)
    return took


def pairs_of_arms(windows: Sequence[SensorWindow]) -> Iterator[tuple[str, Callable[[], list[Arm]]]]:
    """What is compared: the name of a ratio, first arm over second, and how to make the two."""
    kinds = many_kinds(N_KINDS)
    yield (
        "cost_60k_over_20k",
        lambda: [
            binding(f"{n:,} samples", settings_of(history_samples=n), samples_of(windows, [frozenset()]), n)
            for n in (60_000, 20_000)
        ],
    )
    yield (
        "cost_500_kinds_over_2",
        lambda: [
            binding(f"{len(some)} kinds", settings_of(N_EXTRA), samples_of(windows, some), 4096)
            for some in (kinds, kinds[:2])
        ],
    )
    yield (
        "cost_30_modalities_over_3",
        lambda: [
            feeding(f"{n} modalities", settings_of(n - 1), with_modalities(windows, n), 1280 * n) for n in (30, 3)
        ],
    )
    yield (
        "cost_10000_sources_over_20",
        lambda: [feeding(f"{n:,} sources", settings_of(), of_sources(windows, n), 12_000) for n in (10_000, 20)],
    )


def turnovers(windows: Sequence[SensorWindow], n: int) -> list[dict[str, float]]:
    """Memory of this process and recall of the index after each of so many turnovers of a short history."""
    settings = settings_of(history_samples=SHORT_HISTORY, segment_samples=SHORT_SEGMENT)
    binder, samples = Binder(settings), samples_of(windows, [frozenset()])
    found, hits, trials = [], 0, 0
    for _ in range(n):
        for _ in range(0, SHORT_HISTORY, MICRO_BATCH):
            binder.observe(list(itertools.islice(samples, MICRO_BATCH)))
        index = binder.generation.index
        new_hits, new_trials = index.recall_hits - hits, index.recall_trials - trials
        hits, trials = index.recall_hits, index.recall_trials
        mib = psutil.Process().memory_info().rss / MIB
        found.append({"mib": mib, "recall": new_hits / new_trials if new_trials else 1.0})
    return found


def figures_of(took: Mapping[str, Mapping[str, list[float]]], turned: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Each ratio, the median over the rounds; how memory went from the second turnover to the last; least recall."""
    ratios = {}
    for name, arms in took.items():
        first, second = arms.values()
        ratios[name] = float(np.median(np.divide(first, second)))
    flat = {"memory_last_over_second": turned[-1]["mib"] / turned[1]["mib"]} if len(turned) > 1 else {}
    return {
        **ratios,
        **flat,
        "recall_least": min(one["recall"] for one in turned),
        "us_per_window": {name: dict(arms) for name, arms in took.items()},
        "turnovers": list(turned),
    }


def table(took: Mapping[str, Mapping[str, list[float]]], figures: Mapping[str, Any]) -> Table:
    """A row for each arm."""
    shown = Table(title=f"turns of {TURN:,} windows, one thread beside rounds and graphs", caption_justify="left")
    for column in ("compared", "arm", "us/window", "ratio"):
        shown.add_column(column, justify="right" if column in ("us/window", "ratio") else "left", no_wrap=True)
    for name, arms in took.items():
        for place, (arm, values) in enumerate(arms.items()):
            ratio = f"{figures[name]:.2f}" if not place else ""
            shown.add_row(name if not place else "", arm, f"{np.median(values):.0f}", ratio)
    mib = ", ".join(f"{one['mib']:.0f}" for one in figures["turnovers"])
    shown.caption = f"MiB after each turnover of {SHORT_HISTORY:,}: {mib}. Least recall {figures['recall_least']:.3f}."
    return shown


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: turns of each arm, and turnovers."""
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--turnovers", type=int, default=10)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Times the arms of each pair in turn, turns a history over, prints the table, writes the figures."""
    asked = arguments(given)
    as_a_worker_does()
    windows = overlapping_windows(hop_steps=HOP_STEPS // 4)
    took = {name: in_turns(make(), asked.rounds) for name, make in pairs_of_arms(windows)}
    figures = figures_of(took, turnovers(windows, asked.turnovers))
    Console().print(table(took, figures))
    if asked.json:
        write_json(figures, asked.json)


if __name__ == "__main__":
    main()
