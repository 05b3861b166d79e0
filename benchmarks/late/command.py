"""Does a modality whose first window comes late join without the others forgetting?

    python -m benchmarks.late [--data PATH] [--late MODALITY] [--seeds 5] [--steps 600]
        [--afterwards "go on,stop"] [--arms late,never,always] [--json FILE]

The watch recordings, and UTD-MHAD where MMBIND_TEST_DATA names a folder that holds it; or what `--data` names. The
stream runs through the product's whole loop: bound, trained on as it comes, judged by the gate, swapped in. For most of
it one modality is declared but never seen; then sources come that have it, while the others go on, or stop. Retrieval
(cmAP) between the others, on sources that are held out, right before its first window, one cycle of training later and
at the end, next to the same stream in which it never comes; and its own, next to the stream in which it is there from
the start. Steps, samples, seeds and settings are the same.
"""

import argparse
import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from benchmarks.late.course import Course, run, settings_for
from benchmarks.late.stream import AFTERWARDS, ARMS, late_stream
from benchmarks.late.table import summary, table
from deploy.recordings.files import read_recordings
from deploy.recordings.recordings import Recordings

UTD_FILE = "utd_mhad.npz"


def measure(
    recordings: Recordings,
    late: str,
    plan: argparse.Namespace,
    on_run: Callable[[str, int], None] = lambda what, n_done: None,
) -> dict[str, dict[str, list[Course]]]:
    """Courses by what the other sources do afterwards and by arm, one for each seed.

    Args:
        recordings: Labelled.
        late: The late modality.
        plan: Its `afterwards`, `arms`, `seeds` and `steps`.
        on_run: Called before each run with its name and the number of those done.
    """
    found: dict[str, dict[str, list[Course]]] = {one: {arm: [] for arm in plan.arms} for one in plan.afterwards}
    n_done = 0
    for seed in range(plan.seeds):
        for afterwards, by_arm in found.items():
            for arm, courses in by_arm.items():
                on_run(f"{recordings.name}, others {afterwards}, {arm}, seed {seed}", n_done)
                stream = late_stream(recordings, late, arm, afterwards, seed)
                courses.append(run(stream, settings_for(recordings, stream, seed, plan.steps)))
                n_done += 1
    return found


def _advance(progress: Progress, bar: TaskID, what: str, n_done: int) -> None:
    progress.update(bar, description=what, completed=n_done)


def find_sets(data: Path | None) -> list[Recordings]:
    """What was asked for, else the watch recordings, and UTD-MHAD where it is found."""
    if data is not None:
        return [read_recordings(data)]
    utd = Path(os.environ.get("MMBIND_TEST_DATA", "nowhere")) / UTD_FILE
    return [read_recordings(Path("watch")), *([read_recordings(utd)] if utd.is_file() else [])]


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="labelled recordings, as `mmbind replay` takes them")
    parser.add_argument("--late", help="the late modality; without it the last one of the recordings")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=600, help="of training in all")
    parser.add_argument("--afterwards", default=",".join(AFTERWARDS), help="what the sources without it do then")
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--json", type=Path)
    found = parser.parse_args(given)
    for name, known in (("afterwards", AFTERWARDS), ("arms", ARMS)):
        chosen = [one.strip() for one in getattr(found, name).split(",")]
        if unknown := [one for one in chosen if one not in known]:
            parser.error(f"--{name} {','.join(unknown)}: wanted some of {', '.join(known)}")
        setattr(found, name, chosen)
    return found


def main(given: Sequence[str] | None = None) -> None:
    """Runs the benchmark, prints the tables, writes the figures."""
    plan = arguments(given)
    torch.set_num_threads(1)
    sets = find_sets(plan.data)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    found: dict[str, Any] = {}
    for recordings in sets:
        late = plan.late or [name for name in recordings.specs if name != recordings.shared][-1]
        with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
            bar = progress.add_task("", total=plan.seeds * len(plan.afterwards) * len(plan.arms))
            courses = measure(recordings, late, plan, partial(_advance, progress, bar))
        results = {afterwards: summary(by_arm) for afterwards, by_arm in courses.items()}
        for afterwards, figures in results.items():
            title = f"{recordings.name}: {late} comes late, the sources without it {afterwards}; {plan.seeds} seeds"
            Console(width=140).print(table(title, figures))
        found[recordings.name] = {"late": late, "seeds": plan.seeds, "steps": plan.steps, "afterwards": results}
    if plan.json:
        plan.json.write_text(json.dumps(found, indent=1) + "\n")
