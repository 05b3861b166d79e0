"""Pairs that are right with 1, 2, 4 and 8 workers: one of them binds, or each binds its own partition of `samples`.

    python -m benchmarks.workers [--workers "1,2,4,8"] [--samples "861,5166"] [--seeds 3] [--json FILE]

UTD-MHAD, shuffled: its 861 samples, and 5,166, six crops of each recording. Samples go through the binder with the
default settings and without a model, labels are looked at afterwards. `one binds` is the default,
`topics.sample_partitions` 1: the workers that assemble samples write them as they come, and one binds all. `each binds`
has as many partitions as workers. `right_8_over_1` compares the default with 8 workers to that with 1, the least of all
streams; `right_8_over_1_each_binds` does it with 8 partitions.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.command_line import parser_of, some_of, write_json
from benchmarks.data_sets import UTD, read_data_set
from benchmarks.default_settings import stream_settings
from benchmarks.orders.outcome import follow
from benchmarks.orders.streams import N_CROPS, in_time, samples_of, shuffled
from benchmarks.workers.sharing import interleaved, parts
from streams.records import Sample
from streams.settings import StreamSettings

CROPS = {"861": 1, "5166": N_CROPS}
WORKERS = ("1", "2", "4", "8")
ONE, EACH = "one binds", "each binds"


@dataclass(frozen=True, slots=True)
class Row:
    """`right`: share of best partners that are right in the latest answers; `bound`: of samples that have one."""

    n_samples: int
    n_workers: int
    who: str
    right: float
    bound: float
    seconds: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command."""
    parser = parser_of(__doc__)
    parser.add_argument("--workers", type=some_of(WORKERS), default=list(WORKERS), help="how many")
    parser.add_argument("--samples", type=some_of(CROPS), default=list(CROPS), help="of 861, 5166")
    parser.add_argument("--seeds", type=int, default=3, help="draws of crops and orders")
    asked = parser.parse_args(arguments)
    settings = stream_settings(read_data_set(UTD), binding={})
    rows: list[Row] = []
    print(f"{'samples':>8} {'workers':>8}  {'':10} {'right':>6} {'bound':>6} {'s':>6}")
    for name in asked.samples:
        for seed in range(asked.seeds):
            samples = shuffled(samples_of(UTD, seed, CROPS[name])[0], np.random.default_rng([seed, 19]))
            for n_workers in map(int, asked.workers):
                for who, divide in divisions(n_workers, seed).items():
                    rows.append(row_of(samples, n_workers, who, divide, settings))
                    print(line_of(rows[-1]), flush=True)
    figures = named_figures(rows)
    for key, value in figures.items():
        print(f"{key} {value:.3f}")
    if asked.json:
        write_json({**figures, "rows": rows}, asked.json)
        print(f"figures: {asked.json}", file=sys.stderr)


def divisions(n_workers: int, seed: int) -> dict[str, Callable[[Sequence[Sample]], list[list[Sample]]]]:
    """What the binders get of a stream; with one worker there is but one way."""
    rng = np.random.default_rng([seed, n_workers, 23])
    found: dict[str, Callable[[Sequence[Sample]], list[list[Sample]]]] = {
        ONE: lambda samples: [interleaved(samples, n_workers, rng)]
    }
    if n_workers > 1:
        found[EACH] = lambda samples: parts(interleaved(samples, n_workers, rng), n_workers)
    return found


def row_of(
    samples: Sequence[Sample],
    n_workers: int,
    who: str,
    divide: Callable[[Sequence[Sample]], list[list[Sample]]],
    settings: StreamSettings,
) -> Row:
    """Streams each part through a binder of its own."""
    started = time.perf_counter()
    followed = [(len(part), follow(in_time(part), settings)) for part in divide(samples) if part]
    n_bound = [n * one.bound for n, one in followed]
    n_right = sum(n * one.final for n, (_, one) in zip(n_bound, followed, strict=True) if n)
    right = n_right / sum(n_bound) if sum(n_bound) else float("nan")
    bound = sum(n_bound) / len(samples)
    return Row(len(samples), n_workers, who, right, bound, time.perf_counter() - started)


def line_of(row: Row) -> str:
    """A line of the table."""
    figures = f"{100 * row.right:6.1f} {100 * row.bound:6.1f} {row.seconds:6.1f}"
    return f"{row.n_samples:8,} {row.n_workers:8}  {row.who:10} {figures}"


def named_figures(rows: Sequence[Row]) -> dict[str, float]:
    """Those that stand at the top level of the JSON, each the least of all streams."""
    figures: dict[str, float] = {}
    for name, who in (("right_8_over_1", ONE), ("right_8_over_1_each_binds", EACH)):
        eight, alone = (_right(rows, n_workers, one) for n_workers, one in ((8, who), (1, ONE)))
        ratios = [eight[n] / alone[n] for n in eight if n in alone]
        if ratios:
            figures[name] = min(ratios)
    return figures


def _right(rows: Sequence[Row], n_workers: int, who: str) -> Mapping[int, float]:
    """The mean over seeds, by the number of samples."""
    found: dict[int, list[float]] = {}
    for row in rows:
        if (row.n_workers, row.who) == (n_workers, who):
            found.setdefault(row.n_samples, []).append(row.right)
    return {n_samples: float(np.mean(values)) for n_samples, values in found.items()}
