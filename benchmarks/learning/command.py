"""The standard experiment: does binding teach what only binding can, and how much of what true pairs would?

    python -m benchmarks.learning [--short | --full | --ablation | --limits | --together] [--mode offline|online|both]
        [--shared acc|skeleton|label] [--jobs 2] [--rotations 4] [--seeds N] [--steps N] [--arms A,B]
        [--data PATH] [--json FILE] [--figure FILE.png] [--any-code]

UTD-MHAD with the accelerometer shared: gyroscope and skeleton never meet in training. Every arm trains with the same
steps, augmentation and seeds through the product's own code, and is judged by retrieval between gyroscope and
skeleton of people whom it never saw. Offline: all samples at once. Online: as they arrive, in random order and source
by source, the product's whole loop against its controls. `--ablation` is ours with one part switched off at a time,
`--limits` ours with a part of its pairs made true.

Every finished run is a line in `learning_rows.jsonl` beside the JSON file; what is there is not run again, unless
settings or code have changed since (`--any-code`: the code may have).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from benchmarks.command_line import add_utd, parser_of, progress_bar, some_of, write_json
from benchmarks.learning.arms import CEILING, EVERY_ARM, FLOOR, FLOOR_SAME_LOSS, arms_of
from benchmarks.learning.data import N_ROTATIONS, with_shared
from benchmarks.learning.figure import draw
from benchmarks.learning.rows import Row
from benchmarks.learning.run import ORDERS, STEPS, Plan, run
from benchmarks.learning.stamp import code_hash
from benchmarks.learning.table import OFFLINE, ablation_table, summary, table
from deploy.recordings.files import read_recordings
from deploy.recordings.recordings import Recordings

MODES = (OFFLINE, *ORDERS)
SETS = ("short", "full", "ablation", "limits", "together", "mixtures")
# For an sd over seeds; the README's table is of three.
FULL_SEEDS = 3
ROWS_FILE = "learning_rows.jsonl"


def planned(mode: str, arm_set: str, shared: str = "", only: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
    """(mode, arm) in order. Online gaps end at offline arms, which are therefore part of every plan with gaps.

    Args:
        mode: "offline", "online" or "both".
        arm_set: One of `SETS`.
        shared: The modality that binds.
        only: These arms, if any are given, of all that there are.
    """
    wanted = {"offline": [OFFLINE], "online": list(ORDERS)}.get(mode, list(MODES))
    if arm_set != "full":
        wanted = [one for one in wanted if one != "online-sources"]
    sets = SETS if only else (arm_set,)
    arms = list(dict.fromkeys((one, arm) for one in wanted for every in sets for arm in arms_of(one, shared, every)))
    if OFFLINE not in wanted and arm_set in ("short", "full"):
        arms = [(OFFLINE, arm) for arm in (FLOOR, FLOOR_SAME_LOSS, CEILING)] + arms
    return tuple(pair for pair in arms if not only or pair[1] in only)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: the recordings, which arms, and how much is run of them."""
    parser = parser_of(__doc__)
    add_utd(parser)
    parser.add_argument("--shared", default="", help="the modality that binds, or label; the accelerometer without it")
    parser.add_argument("--mode", choices=("offline", "online", "both"), default="both")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--short", action="store_true", help="the arms of the summary, one seed (the default)")
    form.add_argument("--full", action="store_true", help=f"all arms, {FULL_SEEDS} seeds, both orders online")
    form.add_argument("--ablation", action="store_true", help="ours without each of its parts, one seed")
    form.add_argument("--limits", action="store_true", help="ours with some of its pairs made true, one seed")
    form.add_argument("--together", action="store_true", help="ours next to ours trained by two processes, one seed")
    form.add_argument("--mixtures", action="store_true", help="true pairs and some right only so often, all at once")
    parser.add_argument("--jobs", type=int, default=2, help="processes, each with one thread")
    parser.add_argument("--rotations", type=int, default=N_ROTATIONS, choices=range(1, N_ROTATIONS + 1))
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--steps", type=int, default=STEPS, help="of every arm, an even number")
    parser.add_argument("--arms", type=some_of(EVERY_ARM), default=(), help="only these, by the names of the JSON file")
    parser.add_argument("--figure", type=Path)
    parser.add_argument(
        "--any-code", action="store_true", help="take finished runs of other code of these settings too"
    )
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Runs what was asked for, prints the tables, writes the files."""
    asked = arguments(given)
    torch.set_num_threads(1)
    recordings = read_recordings(asked.data)
    recordings = with_shared(recordings, asked.shared or recordings.shared)
    arm_set = next((one for one in SETS if getattr(asked, one)), "short")
    named = [arm_set] if arm_set in ("ablation", "limits", "together", "mixtures") else []
    named += [recordings.shared] if asked.shared else []
    file = asked.json or Path("_".join(["learning", *named]) + ".json")
    arms = planned(asked.mode, arm_set, recordings.shared, asked.arms)
    n_seeds = asked.seeds or (FULL_SEEDS if arm_set == "full" else 1)
    plan = Plan(arms, asked.rotations, n_seeds, asked.steps, code_hash(), asked.any_code)
    rows = _run_with_bar(plan, recordings, file.with_name(ROWS_FILE), asked.jobs)
    results = {mode: summary(rows, mode) for mode in MODES if any(row.mode == mode for row in rows)}
    _print(results, plan, recordings, is_ablation=arm_set == "ablation")
    setting = {"data": recordings.name, "shared": recordings.shared, "set": arm_set, "steps": plan.n_steps}
    write_json({**results, "setting": setting, "rows": rows}, file)
    if asked.figure:
        draw(results, list(results), asked.figure)


def _run_with_bar(plan: Plan, recordings: Recordings, file: Path, n_jobs: int) -> list[Row]:
    with progress_bar() as progress:
        bar = progress.add_task(f"{n_jobs} at a time", total=len(plan.runs))
        return run(
            plan,
            recordings,
            file,
            on_done=lambda done: progress.update(bar, advance=1, description=f"done: {done}"),
            n_jobs=n_jobs,
        )


def _print(results: dict[str, Any], plan: Plan, recordings: Recordings, is_ablation: bool) -> None:
    console = Console(width=175)
    form = f"{plan.n_rotations} rotations x {plan.n_seeds} seeds, {plan.n_steps} steps"
    title = f"{recordings.name}, {recordings.shared} shared"
    if is_ablation:
        console.print(ablation_table(results, f"{title}: {form}"))
        return
    for mode, figures in results.items():
        console.print(table(figures, f"{title}, {mode}: {form}"))
