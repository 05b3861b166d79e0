"""MMBind's own protocol, for comparison with its printed figures: fine-tuned accuracy with few labels.

    python -m benchmarks.learning.finetune [--data PATH] [--shared acc|skeleton] [--jobs 2] [--rotations 4] [--seeds 1]
        [--steps 300] [--epochs 100] [--labels 54,108,162,216] [--arms A,B] [--json FILE]

Encoders of the two modalities that never met are fine-tuned with a linear classifier on the labelled role and tested
on the people of the test role. This hardly tells binding from no binding: see `benchmarks.learning` for a measure that
does. `features` is what the same labels give with frozen encoders, used as `mmbind finetune` does. Finished runs are
kept in `learning_finetune_rows.jsonl` beside the JSON file.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console

from benchmarks.command_line import add_utd, parser_of, progress_bar, some_of, write_json
from benchmarks.learning.data import N_ROTATIONS, rotated, with_shared
from benchmarks.learning.finetune_table import ARMS, summary, table
from benchmarks.learning.protocol import EPOCHS, LABELS, MODE, Protocol, run
from benchmarks.learning.rows import Run
from benchmarks.learning.run import STEPS
from benchmarks.learning.stamp import code_hash
from deploy.recordings.files import read_recordings

ROWS_FILE = "learning_finetune_rows.jsonl"
# Beside the code of the main benchmark.
OWN_CODE = tuple(f"benchmarks/learning/{name}.py" for name in ("protocol", "classifier", "frozen"))


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: the recordings, how much is run, and how long it learns."""
    parser = parser_of(__doc__)
    add_utd(parser)
    parser.add_argument("--shared", default="", help="the modality that binds; the accelerometer without it")
    parser.add_argument("--jobs", type=int, default=2, help="processes, each with one thread")
    parser.add_argument("--rotations", type=int, default=N_ROTATIONS, choices=range(1, N_ROTATIONS + 1))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--labels", type=_numbers, default=LABELS, help="how many, joined by commas")
    parser.add_argument("--arms", type=some_of(ARMS), default="")
    parser.set_defaults(json=Path("learning_finetune.json"))
    return parser.parse_args(given)


def _numbers(given: str) -> tuple[int, ...]:
    return tuple(int(one) for one in given.split(","))


def main(given: Sequence[str] | None = None) -> None:
    """Runs the protocol, prints its table, writes the files."""
    asked = arguments(given)
    torch.set_num_threads(1)
    recordings = read_recordings(asked.data)
    recordings = with_shared(recordings, asked.shared or recordings.shared)
    protocol = Protocol(asked.steps, asked.epochs, asked.labels, code_hash(more=OWN_CODE))
    worlds = [rotated(recordings, rotation) for rotation in range(asked.rotations)]
    places = [(seed, rotation) for seed in range(asked.seeds) for rotation in range(asked.rotations)]
    runs = [Run(MODE, arm, rotation, seed) for seed, rotation in places for arm in asked.arms]
    with progress_bar() as progress:
        bar = progress.add_task("fine-tuning", total=len(runs))
        rows = run(
            protocol,
            worlds,
            runs,
            asked.json.with_name(ROWS_FILE),
            on_done=lambda done: progress.update(bar, advance=1, description=f"done: {done}"),
            n_jobs=asked.jobs,
        )
    figures = summary(rows)
    title = f"{recordings.name}, {recordings.shared} shared: accuracy / macro-F1 / on frozen features, %, by labels"
    Console(width=175).print(table(figures, asked.labels, title, recordings.shared))
    write_json({"arms": figures, "rows": rows}, asked.json)


if __name__ == "__main__":
    main()
