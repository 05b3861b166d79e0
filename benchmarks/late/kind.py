"""Pairs of a kind of node that has just come: how many are right, and how many samples they bind.

    python -m benchmarks.late.kind [--seeds 3] [--json FILE]

800 samples of UTD-MHAD (six crops of each recording) of nodes with one modality beside the shared one; then nodes with
another one join, their samples in random order. After 1, 4, 16, 64 and 200 of these all latest answers are looked at:
of pairs between the two kinds how many are right, and what share of the samples has one.
"""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.command_line import parser_of, write_json
from benchmarks.data_sets import UTD, read_data_set
from benchmarks.default_settings import stream_settings
from benchmarks.learning.pairs import judge_bindings
from benchmarks.orders.streams import in_time, samples_of, shuffled
from benchmarks.spread import Spread, spread
from streams.binder import Binder
from streams.records import Binding
from streams.settings import StreamSettings

N_BEFORE = 800
NEWCOMERS = (1, 4, 16, 64, 200)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command."""
    parser = parser_of(__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="draws of crops and orders")
    asked = parser.parse_args(arguments)
    settings = stream_settings(read_data_set(UTD))
    rows: list[dict[str, Any]] = []
    for n_newcomers in NEWCOMERS:
        found = [joined(n_newcomers, seed, settings) for seed in range(asked.seeds)]
        row = {name: spread(one[name] for one in found) for name in found[0]}
        rows.append({"newcomers": n_newcomers, **row})
        print(line_of(n_newcomers, row), flush=True)
    if asked.json:
        write_json({"rows": rows}, asked.json)
        print(f"figures: {asked.json}", file=sys.stderr)


def line_of(n_newcomers: int, row: dict[str, Spread]) -> str:
    """A line of the table."""
    right, bound, most, said = (row[name] for name in ("precision", "bound", "largest_use", "estimate"))
    return (
        f"{n_newcomers:4d} newcomers: {right.cell(times=100):>12} % right of {bound.cell(times=100):>12} % of samples,"
        f" estimate {said.cell(times=100):>12} %, one newcomer in {most.cell():>12} pairs"
    )


def joined(n_newcomers: int, seed: int, settings: StreamSettings) -> dict[str, float]:
    """What the pairs between the kinds are worth once so many newcomers have come."""
    samples, shared = samples_of(UTD, seed)
    rng = np.random.default_rng([seed, 23])
    kinds = sorted({frozenset(one.windows) - {shared} for one in samples}, key=sorted)
    before, after = (shuffled([one for one in samples if set(one.windows) - {shared} == kind], rng) for kind in kinds)
    stream = in_time(before[:N_BEFORE] + after[:n_newcomers])
    binder = Binder(settings)
    sent: list[Binding] = [one for sample in stream for one in binder.observe([sample])]
    sent += binder.review()
    figures = judge_bindings(sent, {one.sample_id: one for one in stream}, shared)
    return {
        "precision": figures.get("precision", np.nan),
        "bound": figures["covered"],
        "largest_use": figures.get("largest_use", 0.0),
        "estimate": np.nan if binder.estimate.value is None else binder.estimate.value,
    }


if __name__ == "__main__":
    main()
