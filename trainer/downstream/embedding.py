"""Fused embeddings and features of samples, whatever modalities each has. Performs no I/O."""

from collections import defaultdict
from collections.abc import Collection, Sequence

import numpy as np

from encoders.loaded_model import LoadedModel
from streams.features import FeatureMaker
from streams.records import Sample


def usable(sample: Sample, modalities: Collection[str]) -> tuple[str, ...]:
    """Those of the modalities that a sample has, sorted."""
    return tuple(sorted(set(sample.windows) & set(modalities)))


def embed_samples(model: LoadedModel, samples: Sequence[Sample], modalities: Collection[str]) -> np.ndarray:
    """The fused unit embedding `[n, dim]` of each sample, from those of the modalities that it has.

    Bit by bit what a ModelFollower gives for the same windows one at a time.

    Raises:
        ValueError: If a sample has none of the modalities, or the model lacks one of them.
    """
    embeddings = np.zeros((len(samples), model.manifest.dim), np.float32)
    for names, rows in _rows_of(samples, modalities).items():
        embeddings[rows] = model.embed({name: np.stack([samples[row].scaled(name) for row in rows]) for name in names})
    return embeddings


def features_of_samples(maker: FeatureMaker, samples: Sequence[Sample]) -> np.ndarray:
    """The features `[n, dim]` of each sample, zeros for what it lacks; bit by bit those of a ModelFollower.

    Raises:
        ValueError: If a sample has none of the maker's modalities.
    """
    features = np.zeros((len(samples), maker.dim), np.float32)
    for names, rows in _rows_of(samples, maker.modalities).items():
        raw = {name: np.stack([samples[row].windows[name] for row in rows]) for name in names}
        features[rows] = maker(raw, {name: np.stack([samples[row].scaled(name) for row in rows]) for name in names})
    return features


def _rows_of(samples: Sequence[Sample], modalities: Collection[str]) -> dict[tuple[str, ...], list[int]]:
    """The rows of samples by which of the modalities they have."""
    rows_of: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, sample in enumerate(samples):
        rows_of[usable(sample, modalities)].append(row)
    return rows_of
