"""How far few labels on one kind of nodes travel to the other kind, and what a classifier learns from them.

    python -m benchmarks.labels [--sets utd,watch,mhealth,mex] [--labels 1,5,20] [--seeds 3] [--short]
        [--jobs 2] [--json FILE]

Two kinds of nodes share a sensor; a few labels a class lie on one kind, and those of the other kind are wanted, both
ways round. People are in turns of either kind, or left out: all of them in rotation. Samples go through the binder with
the default settings and without a model. `labels_by_pairs_over_classifier_at_5` is, of the worst set, how many points
more are right than by a linear classifier on the shared sensor's descriptor from the same labels, at five a class.
Then a classifier on the modality that had no label is taught by what was told, and judged on the people left out.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from rich.console import Console

from benchmarks.command_line import add_sets, parser_of, progress_bar, write_json
from benchmarks.data_sets import TITLES, read_data_set
from benchmarks.labels.fleet import n_folds
from benchmarks.labels.rows import Plan, Row, rows_of
from benchmarks.labels.table import figure_of_all, summary, table
from benchmarks.learning.pool import each
from benchmarks.orders.streams import SETS


def _counts(given: str) -> list[int]:
    try:
        found = [int(one) for one in given.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{given!r}: wanted counts, such as 1,5,20") from error
    if min(found) < 1:
        raise argparse.ArgumentTypeError(f"{min(found)}: wanted 1 or more")
    return found


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: sets, labels a class, draws."""
    parser = parser_of(__doc__)
    add_sets(parser, SETS)
    parser.add_argument("--labels", type=_counts, default=[1, 5, 20], help="a class; else 1,5,20")
    parser.add_argument("--seeds", type=int, default=3, help="draws of the labels, in each fold and each way")
    parser.add_argument("--jobs", type=int, default=2, help="processes, each with one thread")
    parser.add_argument("--short", action="store_true", help="the first fold only, and no encoders")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Measures each set, prints a table for each, writes the figures."""
    asked = arguments(given)
    torch.set_num_threads(1)
    folds = [(name, fold) for name in asked.sets for fold in range(1 if asked.short else n_folds(read_data_set(name)))]
    rows: dict[str, list[Row]] = {name: [] for name in asked.sets}
    with progress_bar() as progress:
        bar = progress.add_task(f"{asked.jobs} at a time", total=len(folds))
        plan = Plan(tuple(asked.labels), asked.seeds, with_encoders=not asked.short)
        for (name, fold), found in each(partial(rows_of, plan), folds, asked.jobs):
            rows[name] += found
            progress.update(bar, advance=1, description=f"done: {TITLES[name]}, fold {fold}")
    results: dict[str, Any] = {name: summary(one) for name, one in rows.items()}
    for name, one in results.items():
        Console(width=170).print(table(f"{TITLES[name]}: right of the other kind's samples, %", one))
    figures = figure_of_all(results)
    for key, value in figures.items():
        print(f"{key} {value:.1f}")
    if asked.json:
        write_json({**figures, "sets": results}, asked.json)
