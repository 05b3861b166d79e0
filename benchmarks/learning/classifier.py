"""Encoders of two modalities fine-tuned with few labels, and what they then get right."""

from collections.abc import Sequence

import msgspec
import numpy as np
import torch
from torch import nn

from benchmarks.learning.data import World
from benchmarks.learning.score import Weights, fitted
from encoders.nets import build_encoder
from streams.records import Sample
from trainer.settings import TrainerSettings
from trainer.step.augmentation import augment

# As the product fine-tunes (trainer.downstream.finetune): unit rows are short for a classifier, so it gets larger ones.
BATCH = 64
LEARNING_RATE = 1e-3
ROW_FACTOR = 8


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
        """Accuracy, and F1 averaged over the classes that occur or are said, each counting the same."""
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
            found[name] = torch.from_numpy(fitted(windows, self._n_channels[name]))
        return found

    def _logits(self, windows: dict[str, torch.Tensor]) -> torch.Tensor:
        rows = torch.cat([self._encoders[name](windows[name]) for name in self._names], 1)
        logits: torch.Tensor = self._classifier(rows * ROW_FACTOR)
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
