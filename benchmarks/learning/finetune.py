"""MMBind's own protocol, for comparison with its printed figures: fine-tuned accuracy with few labels.

    python -m benchmarks.learning.finetune [--data PATH] [--shared acc|skeleton] [--jobs 2] [--rotations 4] [--seeds 1]
        [--steps 300] [--epochs 100] [--labels 54,108,162,216] [--arms A,B] [--json FILE]

Encoders of the two modalities that never met are fine-tuned with a linear classifier on the labelled role and tested
on the people of the test role. This measure hardly tells binding from no binding: see `benchmarks.learning` for one
that does. Finished runs are kept in `learning_finetune_rows.jsonl` beside the JSON file.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.learning import classifier
from benchmarks.learning.arms import Task, product_settings
from benchmarks.learning.classifier import Finetuned, some_labelled
from benchmarks.learning.data import N_ROTATIONS, World, find_recordings, rotated, with_shared
from benchmarks.learning.pool import each
from benchmarks.learning.rows import Row, read_rows, spread
from benchmarks.learning.run import append, code_hash, fingerprint
from benchmarks.learning.table import percent
from benchmarks.learning.training import trained_offline

LABELS = (54, 108, 162, 216)
KEYS = ("accuracy", "macro_f1")
ROWS_FILE = "learning_finetune_rows.jsonl"
# By name: what an encoder was before it saw a label. All but the first are arms of the main benchmark.
ARMS = {
    "lower": "lower: labels only",
    "autoencoder": "unimodal autoencoders",
    "dummies/plain": "MIM: zeros for what is missing",
    "presence/plain": "MPM: zeros and presence",
    "generated/plain": "CMG: the missing generated",
    "masked/plain": "DCM: masked, within and between modalities",
    "natural/plain": "ImageBind-style: natural edges",
    "mmbind/plain": "MMBind: top-1 raw cosine, its weights",
    "mmbind-encoder/plain": "MMBind: top-1 by its autoencoder",
    "ours/soft": "ours",
    "oracle/soft": "pairs by the true label",
    "complete/plain": "upper: complete data",
}
# What MMBind's authors print for UTD-MHAD (5 seeds, other networks, 300 epochs): accuracy, %, by number of labels.
PRINTED: dict[str, dict[str, dict[int, float]]] = {
    "skeleton": {
        "lower": dict(zip(LABELS, (42.2, 53.6, 61.1, 64.0), strict=True)),
        "unimodal": dict(zip(LABELS, (55.0, 65.4, 66.2, 68.3), strict=True)),
        "MIM": dict(zip(LABELS, (53.3, 62.6, 65.8, 66.8), strict=True)),
        "MMBind": dict(zip(LABELS, (61.8, 69.7, 73.0, 74.3), strict=True)),
        "upper, two views": dict(zip(LABELS, (58.3, 67.6, 68.2, 70.5), strict=True)),
    },
    "acc": {"DCM": {216: 61.3}, "ImageBind": {216: 63.0}},
}


class Tuning(NamedTuple):
    """One row to be made."""

    arm: str
    rotation: int
    seed: int


@dataclass(frozen=True, slots=True)
class Protocol:
    """How long encoders learn without labels and with them, and with how many; `code` stands for the code."""

    n_steps: int = 300
    n_epochs: int = 100
    labels: tuple[int, ...] = LABELS
    code: str = ""

    def stamp(self, world: World, one: Tuning) -> str:
        """What figures of one table have in common."""
        task = Task(world, "untrained" if one.arm == "lower" else one.arm, product_settings(world, 0), self.n_steps)
        labels = ",".join(map(str, self.labels))
        return f"{fingerprint(task, self.code)} epochs {self.n_epochs} labels {labels}"


def measure(protocol: Protocol, worlds: Sequence[World], one: Tuning) -> Row:
    """One arm's accuracy and macro-F1 for each number of labels."""
    started_s = time.monotonic()
    world = worlds[one.rotation]
    settings = product_settings(world, one.seed)
    arm = "untrained" if one.arm == "lower" else one.arm
    trained = trained_offline(Task(world, arm, settings, protocol.n_steps))
    figures: dict[str, float] = {}
    for n_labels in protocol.labels:
        labelled = some_labelled(world.labelled, n_labels, one.seed)
        tuned = Finetuned(world, trained.weights, labelled, settings.trainer, protocol.n_epochs)
        figures |= {f"{key}/{n_labels}": value for key, value in tuned.figures(world.test).items()}
    return Row(
        mode="finetune",
        arm=one.arm,
        rotation=one.rotation,
        seed=one.seed,
        fingerprint=protocol.stamp(world, one),
        encoders=figures,
        pairs={},
        n_steps=trained.n_steps,
        seconds=round(time.monotonic() - started_s, 2),
    )


def summary(rows: Sequence[Row]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean and sd of each figure by arm."""
    return {
        arm: {key: spread(row.encoders[key] for row in rows if row.arm == arm) for key in sorted(rows[0].encoders)}
        for arm in dict.fromkeys(row.arm for row in rows)
    }


def table(
    figures: Mapping[str, Mapping[str, Mapping[str, float]]], labels: Sequence[int], title: str, shared: str = ""
) -> Table:
    """Accuracy and macro-F1 by number of labels; below, what MMBind's authors print for that shared modality."""
    shown = Table(title=title)
    for name in ("arm", *map(str, labels)):
        shown.add_column(name, justify="left" if name == "arm" else "right")
    for arm, one in figures.items():
        cells = []
        for n_labels in labels:
            found = [one[f"{key}/{n_labels}"] for key in KEYS]
            cells.append(" / ".join(percent(part) for part in found))
        shown.add_row(ARMS[arm], *cells)
    shown.add_section()
    for name, printed in PRINTED.get(shared, {}).items():
        shown.add_row(f"printed: {name}", *(f"{printed[one]:.1f}" if one in printed else "-" for one in labels))
    return shown


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--shared", default="", help="the modality that binds; the accelerometer without it")
    parser.add_argument("--jobs", type=int, default=2, help="processes, each with one thread")
    parser.add_argument("--rotations", type=int, default=N_ROTATIONS, choices=range(1, N_ROTATIONS + 1))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--labels", default=",".join(map(str, LABELS)))
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--json", type=Path, default=Path("learning_finetune.json"))
    asked = parser.parse_args(given)
    if unknown := [one for one in asked.arms.split(",") if one not in ARMS]:
        parser.error(f"--arms {','.join(unknown)}: wanted some of {','.join(ARMS)}")
    return asked


def main(given: Sequence[str] | None = None) -> None:
    """Runs the protocol, prints its table."""
    asked = arguments(given)
    torch.set_num_threads(1)
    recordings = find_recordings(asked.data)
    recordings = with_shared(recordings, asked.shared or recordings.shared)
    labels = tuple(int(one) for one in asked.labels.split(","))
    protocol = Protocol(asked.steps, asked.epochs, labels, code_hash(Path(__file__), Path(classifier.__file__)))
    worlds = [rotated(recordings, rotation) for rotation in range(asked.rotations)]
    places = [(seed, rotation) for seed in range(asked.seeds) for rotation in range(asked.rotations)]
    plan = [Tuning(arm, rotation, seed) for seed, rotation in places for arm in asked.arms.split(",")]
    rows = run(protocol, worlds, plan, asked.json.with_name(ROWS_FILE), asked.jobs)
    figures = summary(rows)
    title = f"{recordings.name}, {recordings.shared} shared: accuracy / macro-F1, %, by number of labels"
    Console(width=175).print(table(figures, labels, title, recordings.shared))
    asked.json.write_bytes(msgspec.json.format(msgspec.json.encode({"arms": figures, "rows": rows}), indent=1))


def run(protocol: Protocol, worlds: Sequence[World], plan: Sequence[Tuning], file: Path, n_jobs: int = 1) -> list[Row]:
    """All rows of the plan, those in `file` as they are; a new one is appended to it as soon as it is there."""
    known = {(Tuning(row.arm, row.rotation, row.seed), row.fingerprint): row for row in read_rows(file)}
    keys = {one: (one, protocol.stamp(worlds[one.rotation], one)) for one in plan}
    rows = {one: known[key] for one, key in keys.items() if key in known}
    missing = [one for one in plan if one not in rows]
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("fine-tuning", total=len(plan), completed=len(rows))
        for one, row in each(partial(measure, protocol, worlds), missing, n_jobs):
            append(row, file)
            rows[one] = row
            progress.update(bar, advance=1, description=f"{one.arm}, rotation {one.rotation}, seed {one.seed}")
    return [rows[one] for one in plan]


if __name__ == "__main__":
    main()
