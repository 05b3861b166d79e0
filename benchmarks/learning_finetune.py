"""MMBind's own protocol, for comparison with its printed figures: fine-tuned accuracy with few labels.

    python -m benchmarks.learning_finetune [--data PATH] [--rotations 4] [--seeds 1] [--steps 300] [--epochs 100]
        [--labels 54,108,162,216] [--arms A,B] [--json FILE]

Encoders of the two modalities that never met are fine-tuned with a linear classifier on the labelled role and tested
on the people of the test role. This measure hardly tells binding from no binding: see `benchmarks.learning` for one
that does. Finished runs are kept in a `.jsonl` beside the JSON file.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from torch import nn

from benchmarks.learning_arms import Task, product_settings, trained_offline
from benchmarks.learning_baselines import Weights, autoencoders, filled, pretrained, with_presence
from benchmarks.learning_data import N_ROTATIONS, World, find_recordings, rotated
from benchmarks.learning_table import Row, read_rows, spread
from encoders.nets import build_encoder
from streams.records import Sample
from trainer.augmentation import augment
from trainer.settings import TrainerSettings
from trainer.step import TrainStep

LABELS = (54, 108, 162, 216)
BATCH = 64
LEARNING_RATE = 1e-3
KEYS = ("accuracy", "macro_f1")
# By name: what an encoder was before it saw a label. Those with a loss in their name are arms of the main benchmark.
ARMS = {
    "lower": "labels only",
    "autoencoder": "unimodal autoencoders",
    "dummies": "MIM: zeros for what is missing",
    "presence": "MPM: zeros and presence",
    "generated": "CMG: the missing generated",
    "natural/plain": "ImageBind-style: natural edges",
    "mmbind/plain": "MMBind: top-1 raw cosine, its weights",
    "ours/soft": "ours",
    "oracle/soft": "pairs by the true label",
    "complete/plain": "upper: complete data",
}


def encoders_of(world: World, arm: str, seed: int, n_steps: int) -> Weights:
    """Weights of the arm's encoders before any label."""
    task = Task(world, arm, product_settings(world, seed), n_steps)
    plain = task.trainer.model_copy(update={"cycle_bindings": len(world.train), "steps_per_cycle": n_steps})
    if arm == "lower":
        return TrainStep(world.recordings.specs, world.shared, plain, seed).weights()
    if arm == "autoencoder":
        return autoencoders(world, plain, n_steps)
    if arm in ("dummies", "presence", "generated"):
        samples, specs = filled(world, arm, plain, n_steps)
        return pretrained(samples, specs, world.shared, plain)
    return {name: dict(arrays) for name, arrays in trained_offline(task)[0].items()}


class Finetuned:
    """Both encoders with one linear layer over their unit embeddings, trained on labelled samples."""

    def __init__(
        self, world: World, weights: Weights, labelled: Sequence[Sample], settings: TrainerSettings, n_epochs: int
    ) -> None:
        self._names, self._classes = (world.first, world.second), sorted({repr(one.label) for one in labelled})
        self._n_channels = {name: int(weights[name]["stem.weight"].shape[1]) for name in self._names}
        specs = {
            name: msgspec.structs.replace(world.recordings.specs[name], n_channels=self._n_channels[name])
            for name in self._names
        }
        self._encoders = nn.ModuleDict({name: build_encoder(specs[name], weights[name]) for name in self._names})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self._classifier = nn.Linear(2 * settings.dim, len(self._classes))
        self._train(labelled, settings, n_epochs)

    def figures(self, samples: Sequence[Sample]) -> dict[str, float]:
        """Accuracy and macro-F1."""
        with torch.inference_mode():
            said = self._logits(self._windows(samples)).argmax(1).numpy()
        true = np.array([self._classes.index(repr(one.label)) for one in samples])
        scores = []
        for one in range(len(self._classes)):
            found, wanted = said == one, true == one
            if wanted.any() or found.any():
                scores.append(2 * (found & wanted).sum() / (found.sum() + wanted.sum()))
        return {"accuracy": float((said == true).mean()), "macro_f1": float(np.mean(scores))}

    def _windows(self, samples: Sequence[Sample]) -> dict[str, torch.Tensor]:
        found = {}
        for name in self._names:
            windows = np.stack([one.scaled(name) for one in samples])
            has_presence = windows.shape[2] < self._n_channels[name]
            found[name] = torch.from_numpy(with_presence(windows) if has_presence else windows)
        return found

    def _logits(self, windows: dict[str, torch.Tensor]) -> torch.Tensor:
        rows = torch.cat([self._encoders[name](windows[name]) for name in self._names], 1)
        logits: torch.Tensor = self._classifier(rows * 8)
        return logits

    def _train(self, labelled: Sequence[Sample], settings: TrainerSettings, n_epochs: int) -> None:
        windows = self._windows(labelled)
        labels = torch.tensor([self._classes.index(repr(one.label)) for one in labelled])
        generator = torch.Generator().manual_seed(settings.seed)
        parameters = [*self._encoders.parameters(), *self._classifier.parameters()]
        optimiser = torch.optim.Adam(parameters, LEARNING_RATE)
        for _ in range(n_epochs):
            for rows in torch.split(torch.randperm(len(labels), generator=generator), BATCH):
                batch = {name: augment(one[rows], settings.augmentation, generator) for name, one in windows.items()}
                loss = nn.functional.cross_entropy(self._logits(batch), labels[rows])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()


def some_labelled(samples: Sequence[Sample], n_labels: int, seed: int) -> list[Sample]:
    """About so many samples, equally many of each class, chosen by the seed."""
    by_class: dict[str, list[Sample]] = {}
    for one in samples:
        by_class.setdefault(repr(one.label), []).append(one)
    each = max(1, round(n_labels / len(by_class)))
    rng = np.random.default_rng([seed, 5])
    return [group[i] for _, group in sorted(by_class.items()) for i in rng.permutation(len(group))[:each]]


def run(world: World, arm: str, rotation: int, seed: int, n_steps: int, n_epochs: int, labels: Sequence[int]) -> Row:
    """One arm's accuracy and macro-F1 for each number of labels."""
    weights = encoders_of(world, arm, seed, n_steps)
    settings = product_settings(world, seed).trainer
    figures: dict[str, float] = {}
    for n_labels in labels:
        tuned = Finetuned(world, weights, some_labelled(world.labelled, n_labels, seed), settings, n_epochs)
        figures |= {f"{key}/{n_labels}": value for key, value in tuned.figures(world.test).items()}
    text = described(n_steps, n_epochs, labels)
    return Row(mode="finetune", arm=arm, rotation=rotation, seed=seed, fingerprint=text, encoders=figures, pairs={})


def described(n_steps: int, n_epochs: int, labels: Sequence[int]) -> str:
    """What figures of one table have in common."""
    return f"{n_steps} steps, {n_epochs} epochs, labels {', '.join(map(str, labels))}"


def summary(rows: Sequence[Row]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean and sd of each figure by arm."""
    return {
        arm: {key: spread(row.encoders[key] for row in rows if row.arm == arm) for key in sorted(rows[0].encoders)}
        for arm in dict.fromkeys(row.arm for row in rows)
    }


def table(figures: Mapping[str, Mapping[str, Mapping[str, float]]], labels: Sequence[int], title: str) -> Table:
    """Accuracy and macro-F1 by number of labels."""
    shown = Table(title=title)
    for name in ("arm", *map(str, labels)):
        shown.add_column(name, justify="left" if name == "arm" else "right")
    for arm, one in figures.items():
        cells = []
        for n_labels in labels:
            found = [one[f"{key}/{n_labels}"] for key in KEYS]
            cells.append(" / ".join(f"{100 * part['mean']:.1f} ± {100 * part['sd']:.1f}" for part in found))
        shown.add_row(ARMS[arm], *cells)
    return shown


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rotations", type=int, default=N_ROTATIONS, choices=range(1, N_ROTATIONS + 1))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--labels", default=",".join(map(str, LABELS)))
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--json", type=Path, default=Path("learning_finetune.json"))
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Runs the protocol, prints its table."""
    asked = arguments(given)
    torch.set_num_threads(1)
    recordings, lines = find_recordings(asked.data), asked.json.with_suffix(".jsonl")
    labels = [int(one) for one in asked.labels.split(",")]
    known = {row.identity: row for row in read_rows(lines)}
    plan = [
        (arm, rotation, seed)
        for seed in range(asked.seeds)
        for rotation in range(asked.rotations)
        for arm in asked.arms.split(",")
    ]
    rows = []
    with Progress(console=Console(stderr=True)) as progress:
        for arm, rotation, seed in progress.track(plan, description="fine-tuning"):
            row = known.get(("finetune", arm, rotation, seed, described(asked.steps, asked.epochs, labels)))
            if row is None:
                row = run(rotated(recordings, rotation), arm, rotation, seed, asked.steps, asked.epochs, labels)
                with lines.open("ab") as file:
                    file.write(msgspec.json.encode(row) + b"\n")
            rows.append(row)
    figures = summary(rows)
    title = f"{recordings.name}: accuracy / macro-F1, %, by number of labels"
    Console(width=160).print(table(figures, labels, title))
    asked.json.write_bytes(msgspec.json.format(msgspec.json.encode({"arms": figures, "rows": rows}), indent=1))


if __name__ == "__main__":
    main()
