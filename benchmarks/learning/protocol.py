"""MMBind's own protocol: encoders that learned without labels are fine-tuned with few, and tested on other people."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.learning.arms import Task, product_settings
from benchmarks.learning.classifier import Finetuned, some_labelled
from benchmarks.learning.data import World
from benchmarks.learning.frozen import frozen_accuracy
from benchmarks.learning.journal import completed
from benchmarks.learning.rows import Row, Run
from benchmarks.learning.run import STEPS
from benchmarks.learning.stamp import fingerprint
from benchmarks.learning.training import trained_offline

MODE = "finetune"
# The arm of which nothing is trained without labels.
LOWER = "lower"
# Numbers of labels for which MMBind's authors print figures: 2, 4, 6 and 8 of each of UTD-MHAD's 27 actions.
LABELS = (54, 108, 162, 216)
# MMBind's authors fine-tune for 300.
EPOCHS = 100


@dataclass(frozen=True, slots=True)
class Protocol:
    """How long encoders learn without labels and with them, and with how many; `code` stands for the code."""

    n_steps: int = STEPS
    n_epochs: int = EPOCHS
    labels: tuple[int, ...] = LABELS
    code: str = ""

    def task(self, world: World, one: Run) -> Task:
        """What is trained before the labels come."""
        arm = "untrained" if one.arm == LOWER else one.arm
        return Task(world, arm, product_settings(world, one.seed), self.n_steps)

    def fingerprint(self, world: World, one: Run) -> str:
        """Of the settings, the code, and how much is fine-tuned; a seed has the same as another."""
        labels = ",".join(map(str, self.labels))
        return f"{fingerprint(self.task(world, one), self.code)} epochs {self.n_epochs} labels {labels}"


def run(
    protocol: Protocol,
    worlds: Sequence[World],
    runs: Sequence[Run],
    file: Path,
    on_done: Callable[[Run], None] = lambda done: None,
    n_jobs: int = 1,
) -> list[Row]:
    """A row for each run, those in `file` as they are; a new one is appended to it as soon as it is there."""
    fingerprints = {one: protocol.fingerprint(worlds[one.rotation], one) for one in runs}
    return completed(fingerprints, partial(measure, protocol, worlds), file, on_done, n_jobs)


def measure(protocol: Protocol, worlds: Sequence[World], one: Run) -> Row:
    """Accuracy and macro-F1 of one run for each number of labels, and accuracy on frozen features."""
    started_s = time.monotonic()
    world = worlds[one.rotation]
    task = protocol.task(world, one)
    trained = trained_offline(task)
    figures: dict[str, float] = {}
    for n_labels in protocol.labels:
        labelled = some_labelled(world.labelled, n_labels, one.seed)
        tuned = Finetuned(world, trained.weights, labelled, task.product.trainer, protocol.n_epochs)
        figures |= {f"{key}/{n_labels}": value for key, value in tuned.figures(world.test).items()}
        figures[f"features/{n_labels}"] = frozen_accuracy(world, trained.weights, labelled)
    return Row(
        **one._asdict(),
        fingerprint=protocol.fingerprint(world, one),
        encoders=figures,
        pairs={},
        n_steps=trained.n_steps,
        seconds=round(time.monotonic() - started_s, 2),
    )
