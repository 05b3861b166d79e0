"""What the learning benchmark runs, and how one row is made."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.learning.arms import Task, product_settings
from benchmarks.learning.data import N_ROTATIONS, World, rotated
from benchmarks.learning.journal import completed
from benchmarks.learning.rows import Row, Run
from benchmarks.learning.stamp import fingerprint, without_code
from benchmarks.learning.training import figures, trained_offline, trained_online
from deploy.recordings.recordings import Recordings

# By mode, the order of the stream.
ORDERS = {"online": "random", "online-sources": "sources"}
# Of every arm: 15 to 20 s of one core, so that the short form, 48 runs, ends within minutes.
STEPS = 300


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
    fingerprints = {one: fingerprint(_task(worlds[one.rotation], one, plan), plan.code) for one in plan.runs}
    compared = {"compared": without_code} if plan.is_any_code else {}
    return completed(fingerprints, partial(measure, plan, worlds), file, on_done, n_jobs, **compared)


def measure(plan: Plan, worlds: list[World], one: Run) -> Row:
    """The row of one run: trained in its world, judged on people it never saw."""
    started_s = time.monotonic()
    task = _task(worlds[one.rotation], one, plan)
    trained = trained_online(task, ORDERS[one.mode]) if one.mode in ORDERS else trained_offline(task)
    encoders, pairs = figures(task, trained)
    return Row(
        **one._asdict(),
        fingerprint=fingerprint(task, plan.code),
        encoders=encoders,
        pairs=pairs,
        n_steps=trained.n_steps,
        seconds=round(time.monotonic() - started_s, 2),
    )


def _task(world: World, one: Run, plan: Plan) -> Task:
    return Task(world, one.arm, product_settings(world, one.seed), plan.n_steps)
