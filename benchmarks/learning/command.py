"""The standard experiment: does binding teach what only binding can, and how much of what true pairs would?

    python -m benchmarks.learning [--short | --full | --ablation | --limits] [--mode offline|online|both]
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

import msgspec
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.learning.arms import CEILING, FLOOR, FLOOR_SAME_LOSS, arms_of
from benchmarks.learning.data import N_ROTATIONS, find_recordings, with_shared
from benchmarks.learning.figure import draw
from benchmarks.learning.rows import Row
from benchmarks.learning.run import ORDERS, STEPS, Plan, code_hash, run
from benchmarks.learning.table import OFFLINE, ablation_table, summary, table
from deploy.recordings.recordings import Recordings

MODES = (OFFLINE, *ORDERS)
SETS = ("short", "full", "ablation", "limits")
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
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="UTD-MHAD: the compact .npz or the folder of .mat files")
    parser.add_argument("--shared", default="", help="the modality that binds, or label; the accelerometer without it")
    parser.add_argument("--mode", choices=("offline", "online", "both"), default="both")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--short", action="store_true", help="the arms of the summary, one seed (the default)")
    form.add_argument("--full", action="store_true", help=f"all arms, {FULL_SEEDS} seeds, both orders online")
    form.add_argument("--ablation", action="store_true", help="ours without each of its parts, one seed")
    form.add_argument("--limits", action="store_true", help="ours with some of its pairs made true, one seed")
    parser.add_argument("--jobs", type=int, default=2, help="processes, each with one thread")
    parser.add_argument("--rotations", type=int, default=N_ROTATIONS, choices=range(1, N_ROTATIONS + 1))
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--steps", type=int, default=STEPS, help="of every arm, an even number")
    parser.add_argument("--arms", default="", help="only these, by the names of the JSON file, joined by commas")
    parser.add_argument(
        "--json", type=Path, help="learning.json here, with the set and the shared modality in its name"
    )
    parser.add_argument("--figure", type=Path)
    parser.add_argument(
        "--any-code", action="store_true", help="take finished runs of other code of these settings too"
    )
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Runs what was asked for, prints the tables, writes the files."""
    asked = arguments(given)
    torch.set_num_threads(1)
    recordings = find_recordings(asked.data)
    recordings = with_shared(recordings, asked.shared or recordings.shared)
    arm_set = next((one for one in SETS if getattr(asked, one)), "short")
    named = [arm_set] if arm_set in ("ablation", "limits") else []
    named += [recordings.shared] if asked.shared else []
    file = asked.json or Path("_".join(["learning", *named]) + ".json")
    only = tuple(one for one in asked.arms.split(",") if one)
    arms = planned(asked.mode, arm_set, recordings.shared, only)
    n_seeds = asked.seeds or (FULL_SEEDS if arm_set == "full" else 1)
    plan = Plan(arms, asked.rotations, n_seeds, asked.steps, code_hash(), asked.any_code)
    rows = _run_with_bar(plan, recordings, file.with_name(ROWS_FILE), asked.jobs)
    results = {mode: summary(rows, mode) for mode in MODES if any(row.mode == mode for row in rows)}
    _print(results, plan, recordings, is_ablation=arm_set == "ablation")
    runs = [msgspec.to_builtins(row) for row in rows]
    setting = {"data": recordings.name, "shared": recordings.shared, "set": arm_set, "steps": plan.n_steps}
    document = {**results, "setting": setting, "rows": runs}
    file.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))
    if asked.figure:
        draw(results, list(results), asked.figure)


def _run_with_bar(plan: Plan, recordings: Recordings, file: Path, n_jobs: int) -> list[Row]:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    described = TextColumn("{task.description}")
    with Progress(*columns, described, console=Console(stderr=True)) as progress:
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
