"""What encoders are worth on people whom they never saw, between modalities that were never paired."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.learning_data import World
from encoders.nets import EncoderFunction
from streams.records import Sample
from trainer.evaluation import instance_retrieval, retrieval

Weights = Mapping[str, Mapping[str, np.ndarray]]


def score(world: World, weights: Weights) -> dict[str, float]:
    """Means of both directions: `cmap`, `r_at_1`, `zs`, `mrr` and `chance_cmap`, and `frozen`.

    `zs`: accuracy of the nearest class centre of the other modality; `frozen`: of the nearest class centre of both
    modalities side by side, centres being those of the labelled role.
    """
    embed = {name: EncoderFunction(world.recordings.specs[name], weights[name]) for name in (world.first, world.second)}
    rows = {name: _rows(embed[name], world.test, name) for name in embed}
    labels = _labels(world.test)
    found: dict[str, list[float]] = {}
    for query, gallery in ((world.first, world.second), (world.second, world.first)):
        figures = retrieval(rows[query], rows[gallery], labels, labels)
        figures["mrr"] = instance_retrieval(rows[query], rows[gallery])["mrr"]
        figures["zs"] = nearest_centre(rows[query], labels, rows[gallery], labels)
        for key in ("cmap", "r_at_1", "zs", "mrr", "chance_cmap"):
            found.setdefault(key, []).append(figures[key])
    known = np.concatenate([_rows(embed[name], world.labelled, name) for name in embed], axis=1)
    asked = np.concatenate([rows[name] for name in embed], axis=1)
    frozen = nearest_centre(asked, labels, known, _labels(world.labelled))
    return {key: float(np.mean(values)) for key, values in found.items()} | {"frozen": frozen}


def nearest_centre(rows: np.ndarray, labels: np.ndarray, known: np.ndarray, known_labels: np.ndarray) -> float:
    """Share of rows whose nearest class centre, by cosine, has their label."""
    classes = np.unique(known_labels)
    centres = np.stack([known[known_labels == one].mean(0) for one in classes])
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    return float((classes[(rows @ centres.T).argmax(1)] == labels).mean())


def _rows(embed: EncoderFunction, samples: Sequence[Sample], modality: str) -> np.ndarray:
    return embed(np.stack([one.scaled(modality) for one in samples]))


def _labels(samples: Sequence[Sample]) -> np.ndarray:
    return np.array([repr(one.label) for one in samples])
