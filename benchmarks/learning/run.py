"""What a learning benchmark runs, and its rows: those that a file holds already, and new ones added to it."""

import ast
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.learning.arms import Task, product_settings
from benchmarks.learning.data import N_ROTATIONS, World, rotated
from benchmarks.learning.pool import each
from benchmarks.learning.rows import Row, read_rows
from benchmarks.learning.training import figures, trained_offline, trained_online
from deploy.recordings.recordings import Recordings

ORDERS = {"online": "random", "online-sources": "sources"}
STEPS = 300
CODE = ("encoders", "streams", "trainer", "deploy")
# They only show what was found, or are another benchmark.
APART = {
    f"{name}.py"
    for name in ("__init__", "__main__", "command", "table", "figure", "rows", "pool", "finetune", "classifier")
}


class Run(NamedTuple):
    """One row to be made."""

    mode: str
    arm: str
    rotation: int
    seed: int

    def __str__(self) -> str:
        return f"{self.mode}, {self.arm}, rotation {self.rotation}, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: (mode, arm) in order, for so many rotations and seeds.

    `code` stands for the code that the figures come from; with `is_any_code` rows of other code count as well.
    """

    arms: tuple[tuple[str, str], ...]
    n_rotations: int = N_ROTATIONS
    n_seeds: int = 1
    n_steps: int = STEPS
    code: str = ""
    is_any_code: bool = False

    @property
    def runs(self) -> list[Run]:
        """One rotation after the other, so that a broken-off benchmark compares like with like."""
        return [
            Run(mode, arm, rotation, seed)
            for seed in range(self.n_seeds)
            for rotation in range(self.n_rotations)
            for mode, arm in self.arms
        ]


def run(
    plan: Plan,
    recordings: Recordings,
    file: Path,
    on_done: Callable[[Run], None] = lambda done: None,
    n_jobs: int = 1,
) -> list[Row]:
    """All rows of the plan, those in `file` as they are; a new one is appended to it as soon as it is there.

    Args:
        plan: What to run.
        recordings: Of eight sources and three modalities.
        file: A line a row.
        on_done: Called after each run, whether it had to be run or not.
        n_jobs: How many processes.
    """
    worlds = [rotated(recordings, rotation) for rotation in range(plan.n_rotations)]
    stamps = {one: _stamp(fingerprint(_task(worlds[one.rotation], one, plan), plan.code), plan) for one in plan.runs}
    known = {(*row.run, _stamp(row.fingerprint, plan)): row for row in read_rows(file)}
    rows = {one: known[*one, stamp] for one, stamp in stamps.items() if (*one, stamp) in known}
    for one in rows:
        on_done(one)
    for one, row in each(partial(measure, plan, worlds), [one for one in plan.runs if one not in rows], n_jobs):
        append(row, file)
        rows[one] = row
        on_done(one)
    return [rows[one] for one in plan.runs]


def append(row: Row, file: Path) -> None:
    """Adds a row to a file, which is made if there is none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as lines:
        lines.write(msgspec.json.encode(row) + b"\n")


def measure(plan: Plan, worlds: list[World], one: Run) -> Row:
    """Runs it."""
    started_s = time.monotonic()
    task = _task(worlds[one.rotation], one, plan)
    trained = trained_online(task, ORDERS[one.mode]) if one.mode in ORDERS else trained_offline(task)
    encoders, pairs = figures(task, trained)
    return Row(
        mode=one.mode,
        arm=one.arm,
        rotation=one.rotation,
        seed=one.seed,
        fingerprint=fingerprint(task, plan.code),
        encoders=encoders,
        pairs=pairs,
        n_steps=trained.n_steps,
        seconds=round(time.monotonic() - started_s, 2),
    )


def _task(world: World, one: Run, plan: Plan) -> Task:
    return Task(world, one.arm, product_settings(world, one.seed), plan.n_steps)


def _stamp(stamp: str, plan: Plan) -> str:
    return stamp.partition("-")[0] if plan.is_any_code else stamp


def fingerprint(task: Task, code: str) -> str:
    """Of all settings and of the code, so that figures of different ones are never taken together."""
    settings = task.settings.model_copy(update={"trainer": task.trainer.model_copy(update={"seed": 0})})
    kept = settings.model_dump(
        mode="json", include={"trainer", "binding", "index", "modalities", "shared_modality", "labels"}
    )
    text = json.dumps([kept, task.n_steps, task.n_cycles, task.world.recordings.name], sort_keys=True)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:12]}-{code[:12]}"


def code_hash(*more: Path) -> str:
    """Of what all modules that the figures come from do, and `more`; comments and descriptions do not count."""
    root = Path(__file__).parents[2]
    files = [file for folder in CODE for file in (root / folder).rglob("*.py")]
    files += [file for file in (root / "benchmarks" / "learning").glob("*.py") if file.name not in APART]
    files += more
    return hashlib.sha256("".join(_meaning(file.read_text("utf-8")) for file in sorted(files)).encode()).hexdigest()


def _meaning(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and isinstance(body[0] if body else None, ast.Expr):
            first = body[0].value
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                del body[0]
    return ast.dump(tree)
