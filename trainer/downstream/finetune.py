"""Classes from few labels: a classifier over fused embeddings, alone or together with the encoders below it.

Features are learned from in `ridge`. Deterministic in its inputs and seed. Performs no I/O and reads no clock.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from encoders.modality import ModalitySpec
from encoders.nets import Encoder, build_encoder, encoder_weights
from streams.records import Label, Sample
from trainer.downstream.embedding import usable
from trainer.settings import AugmentationSettings
from trainer.step.augmentation import augment

Method = Literal["features", "linear", "centre", "full"]
Weights = Mapping[str, Mapping[str, np.ndarray]]
# Unit rows are short for a logistic regression: with a factor its weights need not grow first.
ROW_FACTOR = 8.0
RIDGE = 1e-3
LBFGS_STEPS = 100
BATCH = 64
LEARNING_RATE = 1e-3
EPOCHS = 60


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """Linear over unit rows `[n, dim]`: `weight` is `[n_classes, dim]`, `bias` `[n_classes]`."""

    weight: np.ndarray
    bias: np.ndarray

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """The number of the likeliest class of each row."""
        said: np.ndarray = (rows @ self.weight.T + self.bias).argmax(1)
        return said


def ordered_classes(labels: Iterable[Label | None]) -> list[Label]:
    """Each label once, numbers before texts."""
    return sorted({label for label in labels if label is not None}, key=lambda one: (isinstance(one, str), one))


def few_labelled(samples: Sequence[Sample], n_per_class: int, seed: int) -> list[Sample]:
    """At most so many samples of each class, chosen by the seed; a class that has fewer gives all."""
    rng = np.random.default_rng([seed, 7])
    chosen: list[Sample] = []
    for label in ordered_classes(one.label for one in samples):
        group = [one for one in samples if one.label == label and type(one.label) is type(label)]
        chosen += [group[place] for place in rng.permutation(len(group))[:n_per_class]]
    return chosen


def nearest_centre(rows: np.ndarray, classes: Sequence[int], n_classes: int) -> Classifier:
    """Says the class whose mean row is nearest: |x - c|^2 = |x|^2 - 2 (x c - |c|^2 / 2), whose first part is the same.

    Raises:
        ValueError: If a class has no row.
    """
    groups = [rows[np.asarray(classes) == one] for one in range(n_classes)]
    if empty := [one for one, group in enumerate(groups) if not len(group)]:
        raise ValueError(f"classes {empty} have no rows, wanted at least one of each")
    centres = np.stack([group.mean(0) for group in groups])
    return Classifier(centres, -0.5 * np.square(centres).sum(1))


def linear_probe(rows: np.ndarray, classes: Sequence[int], n_classes: int) -> Classifier:
    """Logistic regression with a little ridge, to its optimum."""
    features, wanted = torch.from_numpy(rows * ROW_FACTOR).double(), torch.as_tensor(classes)
    weight = torch.zeros(n_classes, rows.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(n_classes, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=LBFGS_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(features @ weight.T + bias, wanted) + RIDGE * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    found = (weight.detach() * ROW_FACTOR, bias.detach())
    return Classifier(*(one.numpy().astype(np.float32) for one in found))


class FullTuning:
    """Encoders and classifier trained together, from where the encoders and a linear probe stand.

    Starting from the probe keeps the first steps from tearing up what the encoders know (Kumar et al., ICLR 2022).

    Args:
        specs: Of the modalities in use; others of a sample are not looked at.
        weights: Of their encoders, to start from.
        classifier: A linear probe on their embeddings.
        seed: Of the order of batches and of the variations.
    """

    def __init__(self, specs: Mapping[str, ModalitySpec], weights: Weights, classifier: Classifier, seed: int) -> None:
        self._encoders = nn.ModuleDict({name: build_encoder(specs[name], weights[name]) for name in sorted(specs)})
        self._weight = nn.Parameter(torch.from_numpy(classifier.weight / ROW_FACTOR))
        self._bias = nn.Parameter(torch.from_numpy(classifier.bias.copy()))
        self._generator = torch.Generator().manual_seed(seed)
        self._augmentation = AugmentationSettings()

    def train(self, samples: Sequence[Sample], classes: Sequence[int], n_epochs: int = EPOCHS) -> None:
        """Trains on labelled samples, each of which has at least one of the modalities."""
        parameters = [*self._encoders.parameters(), self._weight, self._bias]
        optimiser = torch.optim.Adam(parameters, LEARNING_RATE)
        wanted = torch.as_tensor(classes)
        for _ in range(n_epochs):
            for rows in torch.split(torch.randperm(len(samples), generator=self._generator), BATCH):
                embedded = self._embed([samples[row] for row in rows.tolist()])
                logits = ROW_FACTOR * embedded @ self._weight.T + self._bias
                optimiser.zero_grad()
                loss = nn.functional.cross_entropy(logits, wanted[rows])
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()

    def weights(self) -> dict[str, dict[str, np.ndarray]]:
        """The encoders' arrays as they are now."""
        return {name: encoder_weights(encoder) for name, encoder in self._encoders.items()}  # type: ignore[arg-type]

    def classifier(self) -> Classifier:
        """The classifier as it is now."""
        return Classifier(self._weight.detach().numpy() * ROW_FACTOR, self._bias.detach().numpy().copy())

    def _embed(self, samples: Sequence[Sample]) -> Tensor:
        total = torch.zeros(len(samples), self._weight.shape[1])
        for name, encoder in self._encoders.items():
            rows = [row for row, sample in enumerate(samples) if name in sample.windows]
            if rows:
                windows = torch.from_numpy(np.stack([samples[row].scaled(name) for row in rows]))
                varied = augment(windows, self._augmentation, self._generator)
                total = total.index_add(0, torch.tensor(rows), encoder(varied))
        return nn.functional.normalize(total, dim=1)


def untrained_weights(
    specs: Mapping[str, ModalitySpec], weights: Weights, seed: int
) -> dict[str, dict[str, np.ndarray]]:
    """Arrays of encoders of the same sizes as they are before any training, for the modalities of `specs`."""
    found = {}
    with torch.random.fork_rng(devices=[]):
        for place, name in enumerate(sorted(specs)):
            torch.manual_seed(seed * 1000 + place)
            sizes = weights[name]
            encoder = Encoder(specs[name], dim=len(sizes["head.2.bias"]), width=len(sizes["stem.bias"]))
            found[name] = encoder_weights(encoder)
    return found


def split_sources(samples: Sequence[Sample], test_sources: Collection[str], seed: int) -> frozenset[str]:
    """The sources to be judged on: those given, else about a third of all, chosen by the seed; at least one stays."""
    sources = sorted({sample.source_id for sample in samples})
    if test_sources:
        return frozenset(test_sources)
    n_test = min(max(1, round(len(sources) / 3)), len(sources) - 1)
    return frozenset(np.random.default_rng([seed, 11]).permutation(sources)[:n_test].tolist())


def with_some(samples: Iterable[Sample], modalities: Collection[str]) -> list[Sample]:
    """The samples that have at least one of the modalities, with those only."""
    return [
        msgspec.structs.replace(one, windows={name: one.windows[name] for name in names})
        for one in samples
        if (names := usable(one, modalities))
    ]
