"""What few labels are worth on top of each arm: the accuracy on people who gave none. Reads no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from benchmarks.downstream.people import Rotation
from benchmarks.downstream.training import MMBIND, NATURAL, OURS
from benchmarks.learning.frozen import model_of
from benchmarks.learning.score import Weights
from deploy.downstream.labels_only import descriptor_blocks, descriptors
from encoders.modality import ModalitySpec
from streams.features import FeatureBlock, FeatureMaker
from streams.records import Sample
from trainer.downstream.embedding import embed_samples, features_of_samples
from trainer.downstream.finetune import FullTuning, few_labelled, linear_probe, ordered_classes, untrained_weights
from trainer.downstream.ridge import learn_classes

# Labels a class; an encoder is trained from labels only at one number of them, since that takes longest.
LABELS, SUPERVISED_LABELS = (1, 2, 5, 10, 20), (5,)
# Of the labels, in each run; for the encoder that is trained from them the first one.
DRAWS = 3
# At most so many passes over the labels, of one or two batches each, as `mmbind finetune --method full` takes.
EPOCHS = 60
FEATURES, ALIGNED, DESCRIPTORS, UNTRAINED = "features", "aligned", "descriptors", "untrained"
SUPERVISED = "supervised"
# In the order of the table.
ARMS = (FEATURES, ALIGNED, DESCRIPTORS, UNTRAINED, NATURAL, MMBIND, SUPERVISED)
SEVERAL, ONE = "several", "one"

# Rows of samples, and what their columns are.
Table: TypeAlias = tuple[np.ndarray, tuple[FeatureBlock, ...]]


def worth(rotation: Rotation, encoders: Mapping[str, Weights], seed: int) -> dict[str, float]:
    """Accuracies, named `arm/several/labels` with all modalities and `arm/one/labels`, the mean with each one alone."""
    specs = rotation.recordings.specs
    fresh = untrained_weights(specs, encoders[OURS], seed)
    whole = _tables([*rotation.labelled, *rotation.test], specs, {**encoders, UNTRAINED: fresh})
    found: dict[str, list[float]] = {}
    for case, names in [(SEVERAL, sorted(specs)), *((ONE, [name]) for name in sorted(specs))]:
        tables = {arm: _part(table, names) for arm, table in whole.items()}
        tables[ALIGNED] = _aligned(rotation, encoders[OURS], names)
        accuracies = _accuracies(rotation, tables, seed, encoders[OURS], names)
        for (arm, n_labels), accuracy in accuracies.items():
            found.setdefault(f"{arm}/{case}/{n_labels}", []).append(accuracy)
    return {name: float(np.mean(values)) for name, values in found.items()}


def _accuracies(
    rotation: Rotation, tables: Mapping[str, Table], seed: int, sizes: Weights, modalities: Sequence[str]
) -> dict[tuple[str, int], float]:
    samples, n_labelled = [*rotation.labelled, *rotation.test], len(rotation.labelled)
    place = {one.sample_id: row for row, one in enumerate(samples)}
    classes = ordered_classes(one.label for one in samples)
    number = np.array([classes.index(one.label) for one in samples if one.label is not None])
    found: dict[tuple[str, int], list[float]] = {}
    for n_labels in LABELS:
        for draw in range(DRAWS):
            few = few_labelled(rotation.labelled, n_labels, DRAWS * seed + draw)
            chosen = np.array([place[one.sample_id] for one in few])
            for arm, (rows, blocks) in tables.items():
                learned = learn_classes(rows[chosen], number[chosen], len(classes), blocks, rows[:n_labelled])
                right = learned(rows[n_labelled:]) == number[n_labelled:]
                found.setdefault((arm, n_labels), []).append(float(right.mean()))
            if n_labels in SUPERVISED_LABELS and not draw:
                said = _supervised(rotation, sizes, modalities, few, number[chosen], seed)
                found[SUPERVISED, n_labels] = [float((said == number[n_labelled:]).mean())]
    return {key: float(np.mean(values)) for key, values in found.items()}


def _tables(
    samples: Sequence[Sample], specs: Mapping[str, ModalitySpec], encoders: Mapping[str, Weights]
) -> dict[str, Table]:
    """Rows of all samples by each arm whose columns are of one modality each."""
    ordered = [specs[name] for name in sorted(specs)]
    found = {DESCRIPTORS: (descriptors(samples, ordered), descriptor_blocks(ordered))}
    for arm, weights in encoders.items():
        maker = FeatureMaker(model_of(specs, weights))
        found[FEATURES if arm == OURS else arm] = features_of_samples(maker, samples), maker.blocks
    return found


def _part(table: Table, modalities: Sequence[str]) -> Table:
    """The columns of these modalities."""
    rows, blocks = table
    kept = [one for one in blocks if one.modality in modalities]
    ends = np.cumsum([one.n_columns for one in kept]).tolist()
    places = [slice(end - one.n_columns, end) for one, end in zip(kept, ends, strict=True)]
    moved = (replace(one, columns=place) for one, place in zip(kept, places, strict=True))
    return np.concatenate([rows[:, one.columns] for one in kept], axis=1), tuple(moved)


def _aligned(rotation: Rotation, weights: Weights, modalities: Sequence[str]) -> Table:
    samples = [*rotation.labelled, *rotation.test]
    rows = embed_samples(model_of(rotation.recordings.specs, weights), samples, modalities)
    return rows, (FeatureBlock("aligned", slice(rows.shape[1])),)


def _supervised(
    rotation: Rotation,
    sizes: Weights,
    modalities: Sequence[str],
    few: Sequence[Sample],
    classes: np.ndarray,
    seed: int,
) -> np.ndarray:
    """What encoders of the same sizes say that learned from these labels alone."""
    specs = {name: rotation.recordings.specs[name] for name in modalities}
    fresh = untrained_weights(specs, sizes, seed)
    n_classes = int(classes.max()) + 1
    probe = linear_probe(embed_samples(model_of(specs, fresh), few, modalities), classes.tolist(), n_classes)
    tuning = FullTuning(specs, fresh, probe, seed)
    tuning.train(few, classes.tolist(), EPOCHS)
    said = tuning.classifier()(embed_samples(model_of(specs, tuning.weights()), rotation.test, modalities))
    return np.asarray(said)
