"""What few labels are worth on top of each arm: the accuracy on people who gave none. Reads no clock."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.downstream.people import Rotation
from benchmarks.downstream.training import MMBIND, NATURAL, OURS
from benchmarks.learning.score import Weights
from deploy.downstream.labels_only import descriptor_blocks, descriptors
from encoders.loaded_model import LoadedModel
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec
from encoders.nets import EncoderFunction
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
FEATURES, ALIGNED, DESCRIPTORS, SUPERVISED = "features", "aligned", "descriptors", "supervised"
# In the order of the table.
ARMS = (FEATURES, ALIGNED, DESCRIPTORS, NATURAL, MMBIND, SUPERVISED)
SEVERAL, ONE = "several", "one"


def worth(rotation: Rotation, encoders: Mapping[str, Weights], seed: int) -> dict[str, float]:
    """Accuracies, named `arm/several/labels` with all modalities and `arm/one/labels`, the mean with each one alone."""
    names = sorted(rotation.recordings.specs)
    found: dict[str, list[float]] = {}
    for case, modalities in [(SEVERAL, names), *((ONE, [name]) for name in names)]:
        for (arm, n_labels), accuracy in _accuracies(rotation, encoders, modalities, seed).items():
            found.setdefault(f"{arm}/{case}/{n_labels}", []).append(accuracy)
    return {name: float(np.mean(values)) for name, values in found.items()}


def _accuracies(
    rotation: Rotation, encoders: Mapping[str, Weights], modalities: Sequence[str], seed: int
) -> dict[tuple[str, int], float]:
    samples = [*rotation.labelled, *rotation.test]
    place = {one.sample_id: row for row, one in enumerate(samples)}
    tables = _tables(samples, rotation.recordings.specs, encoders, modalities)
    classes = ordered_classes(one.label for one in samples)
    number = np.array([classes.index(one.label) for one in samples if one.label is not None])
    n_labelled = len(rotation.labelled)
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
                said = _supervised(rotation, encoders[OURS], modalities, few, number[chosen], seed)
                found[SUPERVISED, n_labels] = [float((said == number[n_labelled:]).mean())]
    return {key: float(np.mean(values)) for key, values in found.items()}


def _tables(
    samples: Sequence[Sample],
    specs: Mapping[str, ModalitySpec],
    encoders: Mapping[str, Weights],
    modalities: Sequence[str],
) -> dict[str, tuple[np.ndarray, tuple[FeatureBlock, ...]]]:
    """Rows of all samples by each arm that needs no training from labels, and what their columns are."""
    found = {}
    for arm, weights in encoders.items():
        maker = FeatureMaker(model_of(specs, weights), modalities)
        rows = features_of_samples(maker, samples)
        found[FEATURES if arm == OURS else arm] = rows, maker.blocks
        if arm == OURS:
            described = [specs[name] for name in sorted(modalities)]
            found[DESCRIPTORS] = descriptors(samples, described), descriptor_blocks(described)
            aligned = embed_samples(model_of(specs, weights), samples, modalities)
            found[ALIGNED] = aligned, (FeatureBlock("", slice(aligned.shape[1])),)
    return found


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


def model_of(specs: Mapping[str, ModalitySpec], weights: Weights) -> LoadedModel:
    """Encoders as a follower holds them."""
    known = tuple(specs[name] for name in sorted(specs))
    dim = len(weights[known[0].name]["head.2.bias"])
    manifest = ModelManifest(
        version=1, parent=0, created_ns=0, modalities=known, shared_modality=known[0].name, dim=dim
    )
    return LoadedModel(manifest, {one.name: EncoderFunction(one, weights[one.name]) for one in known})
