"""The standard experiment: does binding teach what only binding can, and how much of what true pairs would?

    python -m benchmarks.learning [--data PATH] [--mode offline|online|both] [--short | --full]
        [--rotations 4] [--seeds N] [--steps N] [--arms A,B] [--json FILE] [--figure FILE.png] [--any-code]

UTD-MHAD with the accelerometer shared: gyroscope and skeleton never meet in training. Every arm trains with the same
steps, augmentation and seeds through the product's own code, and is judged by retrieval between gyroscope and
skeleton of people whom it never saw. Offline: all samples at once. Online: as they arrive, in random order and source
by source, the product's whole loop against its controls.

Every finished run is a line in a `.jsonl` beside the JSON file; what is there is not run again, unless settings or code
have changed since (`--any-code`: the code may have).
"""

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.learning_arms import OFFLINE, ONLINE, Task, product_settings, run_offline, run_online
from benchmarks.learning_data import N_ROTATIONS, find_recordings, rotated
from benchmarks.learning_table import (
    CEILING,
    FLOOR,
    FLOOR_SAME_LOSS,
    MMBIND,
    OURS,
    Row,
    draw,
    read_rows,
    summary,
    table,
)
from deploy.recordings import Recordings

MODES = {"offline": OFFLINE, "online": ONLINE, "online-sources": ONLINE}
ORDERS = {"online": "random", "online-sources": "sources"}
# Of the short form: what the figures of the summary need, and the control that must stay below.
SHORT = (FLOOR, MMBIND, "random/soft", FLOOR_SAME_LOSS, OURS, CEILING)
STEPS = 300
FULL_SEEDS = 3
DEFAULT_FILE = Path("learning.json")
CODE = ("encoders", "streams", "trainer", "deploy")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: (mode, arm) in order, for so many rotations and seeds."""

    arms: tuple[tuple[str, str], ...]
    n_rotations: int = N_ROTATIONS
    n_seeds: int = 1
    n_steps: int = STEPS
    code: str = ""
    is_any_code: bool = False

    @property
    def runs(self) -> list[tuple[int, int, str, str]]:
        """Rotation, seed, mode, arm: one rotation after the other, so that a broken-off run compares like with like."""
        return [
            (rotation, seed, mode, arm)
            for seed in range(self.n_seeds)
            for rotation in range(self.n_rotations)
            for mode, arm in self.arms
        ]


def planned(mode: str, is_short: bool, only: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
    """(mode, arm) in order. Online figures end at offline arms, which are therefore part of every plan."""
    wanted = {"offline": ["offline"], "online": list(ORDERS)}.get(mode, list(MODES))
    if is_short:
        wanted = [one for one in wanted if one != "online-sources"]
    arms = [(one, arm) for one in wanted for arm in MODES[one] if not is_short or arm in SHORT]
    if "offline" not in wanted:
        arms = [("offline", arm) for arm in (FLOOR, FLOOR_SAME_LOSS, CEILING)] + arms
    return tuple(pair for pair in arms if not only or pair[1] in only)


def run(
    plan: Plan,
    recordings: Recordings,
    file: Path,
    on_run: Callable[[str], None] = lambda what: None,
    on_done: Callable[[], None] = lambda: None,
) -> list[Row]:
    """All rows of the plan, those in `file` as they are; a new one is appended to it as soon as it is there.

    Args:
        plan: What to run.
        recordings: Of eight sources and three modalities.
        file: A line a row.
        on_run: Called with its name before a run.
        on_done: Called after each, whether it had to be run or not.
    """
    known = {_identity(row, plan.is_any_code): row for row in read_rows(file)}
    rows = []
    for rotation, seed, mode, arm in plan.runs:
        on_run(f"{mode}, {arm}, rotation {rotation}, seed {seed}")
        world = rotated(recordings, rotation)
        task = Task(world, arm, product_settings(world, seed), plan.n_steps)
        stamp = fingerprint(task, plan.code)
        identity = (mode, arm, rotation, seed, stamp.partition("-")[0] if plan.is_any_code else stamp)
        if identity not in known:
            started_s = time.monotonic()
            found = run_online(task, ORDERS[mode]) if mode in ORDERS else run_offline(task)
            row = Row(
                mode=mode,
                arm=arm,
                rotation=rotation,
                seed=seed,
                fingerprint=stamp,
                encoders=found["encoders"],
                pairs=found["pairs"],
                seconds=round(time.monotonic() - started_s, 2),
            )
            known[identity] = row
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("ab") as lines:
                lines.write(msgspec.json.encode(row) + b"\n")
        rows.append(known[identity])
        on_done()
    return rows


def _identity(row: Row, is_any_code: bool) -> tuple[str, str, int, int, str]:
    mode, arm, rotation, seed, stamp = row.identity
    return mode, arm, rotation, seed, stamp.partition("-")[0] if is_any_code else stamp


def fingerprint(task: Task, code: str) -> str:
    """Of all settings and of the code, so that figures of different ones are never taken together."""
    settings = task.settings.model_copy(update={"trainer": task.trainer.model_copy(update={"seed": 0})})
    kept = settings.model_dump(mode="json", include={"trainer", "binding", "index", "modalities", "shared_modality"})
    text = json.dumps([kept, task.n_steps, task.n_cycles, task.world.recordings.name], sort_keys=True)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:12]}-{code[:12]}"


def code_hash() -> str:
    """Of all modules that the figures come from."""
    root = Path(__file__).parent.parent
    files = [file for folder in CODE for file in (root / folder).glob("*.py")]
    files += (root / "benchmarks").glob("learning_*.py")
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="UTD-MHAD: the compact .npz or the folder of .mat files")
    parser.add_argument("--mode", choices=("offline", "online", "both"), default="both")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--short", action="store_true", help="the arms of the summary, one seed (the default)")
    form.add_argument("--full", action="store_true", help=f"all arms, {FULL_SEEDS} seeds, both orders online")
    parser.add_argument("--rotations", type=int, default=N_ROTATIONS, choices=range(1, N_ROTATIONS + 1))
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--arms", default="", help="only these, by the names of the JSON file, joined by commas")
    parser.add_argument("--json", type=Path, default=DEFAULT_FILE)
    parser.add_argument("--figure", type=Path)
    parser.add_argument(
        "--any-code", action="store_true", help="take finished runs of other code of these settings too"
    )
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Runs what was asked for, prints the tables, writes the files."""
    asked = arguments(given)
    torch.set_num_threads(1)
    only = tuple(one for one in asked.arms.split(",") if one)
    arms = planned(asked.mode, not asked.full and not only, only)
    n_seeds = asked.seeds or (FULL_SEEDS if asked.full else 1)
    plan = Plan(arms, asked.rotations, n_seeds, asked.steps, code_hash(), asked.any_code)
    lines = asked.json.with_suffix(".jsonl")
    recordings = find_recordings(asked.data)
    bars = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*bars, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=len(plan.runs))
        rows = run(
            plan,
            recordings,
            lines,
            on_run=lambda what: progress.update(bar, description=what),
            on_done=lambda: progress.advance(bar),
        )
    results = {mode: summary(rows, mode) for mode in MODES if any(row.mode == mode for row in rows)}
    for mode, figures in results.items():
        title = f"{recordings.name}, {mode}: {plan.n_rotations} rotations x {plan.n_seeds} seeds, {plan.n_steps} steps"
        Console(width=160).print(table(figures, title))
    runs = [msgspec.to_builtins(row) for row in rows]
    asked.json.write_bytes(msgspec.json.format(msgspec.json.encode({**results, "rows": runs}), indent=1))
    if asked.figure:
        draw(results, list(results), asked.figure)


if __name__ == "__main__":
    main()
