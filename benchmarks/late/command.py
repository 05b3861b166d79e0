"""Does a modality whose first window comes late join without the others forgetting?

    python -m benchmarks.late [--sets watch,utd | --data PATH] [--late MODALITY] [--seeds 5] [--steps 600]
        [--afterwards "go on,stop"] [--arms late,never,always] [--json FILE]

The watch recordings, and UTD-MHAD where MMBIND_TEST_DATA names a folder that holds it; or what `--data` names. The
stream runs through the product's whole loop: bound, trained on as it comes, judged by the gate, swapped in. For most of
it one modality is declared but never seen; then sources come that have it, while the others go on, or stop. Retrieval
(cmAP) between the others, on sources that are held out, right before its first window, one cycle of training later and
at the end, next to the same stream in which it never comes; and its own, next to the stream in which it is there from
the start. Steps, samples, seeds and settings are the same.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress, TaskID

from benchmarks.command_line import add_sets, parser_of, progress_bar, some_of, write_json
from benchmarks.data_sets import UTD, WATCH, read_data_set
from benchmarks.late.course import Course, run, settings_for
from benchmarks.late.stream import AFTERWARDS, ARMS, late_stream
from benchmarks.late.table import summary, table
from deploy.recordings.files import read_recordings
from deploy.recordings.recordings import Recordings


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


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: the recordings, the late modality, arms, seeds and steps."""
    parser = parser_of(__doc__)
    add_sets(parser, (WATCH, UTD))
    parser.add_argument("--data", type=Path, help="instead of sets: labelled recordings, as `mmbind replay` takes them")
    parser.add_argument("--late", help="the late modality; without it the last one of the recordings")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=600, help="of training in all")
    parser.add_argument(
        "--afterwards", type=some_of(AFTERWARDS), default="", help="what the sources without it do then"
    )
    parser.add_argument("--arms", type=some_of(ARMS), default="")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Runs all arms on each set, prints a table for each, writes the figures."""
    asked = arguments(given)
    torch.set_num_threads(1)
    sets = [read_recordings(asked.data)] if asked.data else [read_data_set(name) for name in asked.sets]
    found: dict[str, Any] = {}
    for recordings in sets:
        late = asked.late or [name for name in recordings.specs if name != recordings.shared][-1]
        with progress_bar() as progress:
            bar = progress.add_task("", total=asked.seeds * len(asked.afterwards) * len(asked.arms))
            courses = measure(recordings, late, asked, partial(_advance, progress, bar))
        results = {afterwards: summary(by_arm) for afterwards, by_arm in courses.items()}
        for afterwards, figures in results.items():
            title = f"{recordings.name}: {late} comes late, the sources without it {afterwards}; {asked.seeds} seeds"
            Console(width=140).print(table(title, figures))
        found[recordings.name] = {"late": late, "seeds": asked.seeds, "steps": asked.steps, "afterwards": results}
    if asked.json:
        write_json(found, asked.json)
