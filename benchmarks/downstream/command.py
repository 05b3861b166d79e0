"""Accuracy with few labels on frozen encoders from one pass of a stream: what features are worth next to all else.

    python -m benchmarks.downstream [--sets watch,utd,mhealth,mex] [--short] [--jobs 2] [--rotations 4] [--seeds 3]
        [--steps 300] [--json FILE] [--any-code]

In every rotation a quarter of the people are judged on, and neither stream nor give labels. Another quarter is held out
for the gate; the rest stream, each without a modality where there are three. Labels are 1 to 20 a class of all that are
not judged on, from complete windows. All arms but the last learn from them by `trainer.downstream.ridge`, whose columns
are standardised with all windows of the same people: ours by its features and by its aligned embedding, descriptors
alone, features of encoders that learned nothing, from natural edges only, or by MMBind's rule. The last one trains
encoders of the same sizes from the same labels. `--short` has one rotation and one seed, of the watch recordings and
UTD-MHAD.

`over_plain_features_at_5` says by how many points features are above descriptors alone with five labels a class: the
mean over the sets, with one modality and with several. `worst_set_over_plain_features_at_5` is the least of all sets,
with one and with several, its standard error added. Others are next to the other arms.

Every finished run is a line in `downstream_rows.jsonl` beside the JSON file; what is there is not run again, unless the
code has changed since (`--any-code`: it may have).
"""

import argparse
import time
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path

import torch
from rich.console import Console

from benchmarks.command_line import add_sets, parser_of, progress_bar, write_json
from benchmarks.data_sets import MEX, MHEALTH, UTD, WATCH, present, read_data_set
from benchmarks.downstream.figures import Worth, differences, named_figures, table_of
from benchmarks.downstream.people import N_ROTATIONS, rotated
from benchmarks.downstream.training import trained
from benchmarks.downstream.worth import worth
from benchmarks.learning.journal import completed
from benchmarks.learning.rows import Row, Run
from benchmarks.learning.stamp import code_hash, without_code
from deploy.recordings.recordings import Recordings

SETS, SHORT_SETS = (WATCH, UTD, MHEALTH, MEX), (WATCH, UTD)
MODE, ROWS_FILE = "downstream", "downstream_rows.jsonl"
# As in `benchmarks.learning`.
STEPS = 300
OWN_CODE = (
    *(f"benchmarks/downstream/{name}.py" for name in ("people", "training", "worth")),
    "benchmarks/learning/frozen.py",
)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: the sets, and how much is run of them."""
    parser = parser_of(__doc__)
    add_sets(parser, SETS)
    parser.add_argument("--short", action="store_true", help="one rotation, one seed; without --sets of two sets")
    parser.add_argument("--jobs", type=int, default=2, help="processes, each with one thread")
    parser.add_argument("--rotations", type=int, default=N_ROTATIONS, choices=range(1, N_ROTATIONS + 1))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=STEPS, help="of every arm that learns without labels")
    parser.add_argument("--any-code", action="store_true", help="take finished runs of other code too")
    parser.set_defaults(json=Path("downstream.json"))
    asked = parser.parse_args(given)
    if asked.short:
        asked.rotations, asked.seeds = 1, 1
        asked.sets = asked.sets if asked.sets != present(SETS) else present(SHORT_SETS)
    return asked


def main(given: Sequence[str] | None = None) -> None:
    """Runs what was asked for, prints the tables, writes the files."""
    asked = arguments(given)
    torch.set_num_threads(1)
    fingerprint = f"{asked.steps} steps-{code_hash(more=OWN_CODE)[:12]}"
    runs = [
        Run(MODE, name, rotation, seed)
        for seed in range(asked.seeds)
        for name in asked.sets
        for rotation in range(asked.rotations)
    ]
    with progress_bar() as progress:
        bar = progress.add_task("training", total=len(runs))
        rows = completed(
            dict.fromkeys(runs, fingerprint),
            partial(measure, asked.steps, fingerprint),
            asked.json.with_name(ROWS_FILE),
            on_done=lambda done: progress.update(bar, advance=1, description=f"done: {done}"),
            n_jobs=asked.jobs,
            **({"compared": without_code} if asked.any_code else {}),
        )
    found = Worth(rows)
    console, figures = Console(width=175), named_figures(found)
    for name in found.sets:
        console.print(table_of(found, name))
    for key, value in figures.items():
        console.print(f"{key} {value:.1f}")
    write_json({**figures, "differences": differences(found), "rows": rows}, asked.json)


def measure(n_steps: int, fingerprint: str, run: Run) -> Row:
    """The row of one run; its arm is the data set."""
    started_s = time.monotonic()
    rotation = rotated(_recordings(run.arm), run.rotation)
    figures = worth(rotation, trained(rotation, run.seed, n_steps), run.seed)
    seconds = round(time.monotonic() - started_s, 2)
    return Row(**run._asdict(), fingerprint=fingerprint, encoders=figures, pairs={}, n_steps=n_steps, seconds=seconds)


@lru_cache(maxsize=1)
def _recordings(name: str) -> Recordings:
    return read_data_set(name)
