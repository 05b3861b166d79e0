"""What encoders are worth on people whom they never saw, between modalities that were never paired."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from benchmarks.learning.data import World
from encoders.nets import EncoderFunction
from streams.records import Sample
from trainer.judging.evaluation import instance_retrieval, retrieval
from trainer.learner import Learner

# Of encoders, by modality and name.
Weights: TypeAlias = Mapping[str, Mapping[str, np.ndarray]]


def weights_of(learner: Learner) -> Weights:
    """The weights of a learner's encoders as they are now."""
    return learner.trained_weights()


def score(world: World, weights: Weights) -> dict[str, float]:
    """Means of both directions: `cmap`, `r_at_1`, `zs`, `mrr` and `chance_cmap`, and `frozen`.

    `zs`: accuracy of the nearest class centre of the other modality; `frozen`: of the nearest class centre of both
    modalities side by side, centres being those of the labelled role.
    """
    names = (world.first, world.second)
    rows = {name: _rows(world, weights, world.test, name) for name in names}
    labels = _labels(world.test)
    found: dict[str, list[float]] = {}
    for query, gallery in ((world.first, world.second), (world.second, world.first)):
        figures = retrieval(rows[query], rows[gallery], labels, labels)
        figures["mrr"] = instance_retrieval(rows[query], rows[gallery])["mrr"]
        figures["zs"] = nearest_centre(rows[query], labels, rows[gallery], labels)
        for key in ("cmap", "r_at_1", "zs", "mrr", "chance_cmap"):
            found.setdefault(key, []).append(figures[key])
    known = np.concatenate([_rows(world, weights, world.labelled, name) for name in names], axis=1)
    asked = np.concatenate([rows[name] for name in names], axis=1)
    frozen = nearest_centre(asked, labels, known, _labels(world.labelled))
    return {key: float(np.mean(values)) for key, values in found.items()} | {"frozen": frozen}


def nearest_centre(rows: np.ndarray, labels: np.ndarray, known: np.ndarray, known_labels: np.ndarray) -> float:
    """Share of rows whose nearest class centre, by cosine, has their label."""
    classes = np.unique(known_labels)
    centres = np.stack([known[known_labels == one].mean(0) for one in classes])
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    return float((classes[(rows @ centres.T).argmax(1)] == labels).mean())


def _rows(world: World, weights: Weights, samples: Sequence[Sample], modality: str) -> np.ndarray:
    arrays = weights[modality]
    windows = fitted(np.stack([one.scaled(modality) for one in samples]), arrays["stem.weight"].shape[1])
    spec = msgspec.structs.replace(world.recordings.specs[modality], n_channels=windows.shape[2])
    return EncoderFunction(spec, arrays)(windows)


def fitted(windows: np.ndarray, n_channels: int) -> np.ndarray:
    """Scaled windows `[N, T, C]` with so many channels: one of ones more, where encoders are told of presence."""
    if windows.shape[2] == n_channels:
        return windows
    return np.concatenate([windows, np.ones((*windows.shape[:-1], 1), np.float32)], axis=-1)


def _labels(samples: Sequence[Sample]) -> np.ndarray:
    return np.array([repr(one.label) for one in samples])
