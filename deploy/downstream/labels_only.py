"""What the same few labels are worth without a model: so that one sees what the unlabelled stream brought."""

from collections.abc import Sequence

import msgspec
import numpy as np

from encoders.bundle import ModelBundle
from encoders.modality import ModalitySpec
from streams.records import Sample
from streams.similarity.descriptor import Descriptor
from trainer.downstream.classification import ClassScores, Gain
from trainer.downstream.finetune import untrained_weights

# As they stand in reports: encoders of the same sizes before any training; fixed descriptors of the windows.
UNTRAINED, FEATURES = "untrained", "features"


class LabelsOnly(msgspec.Struct, frozen=True, kw_only=True):
    """A classifier from the same labels that the stream gave nothing, and how much more accurate the model's is."""

    what: str
    scores: ClassScores
    gain: Gain


def untrained(bundle: ModelBundle, modalities: Sequence[str], seed: int) -> ModelBundle:
    """The same encoders as they were before they were trained, for these modalities."""
    specs = {spec.name: spec for spec in bundle.manifest.modalities if spec.name in modalities}
    manifest = msgspec.structs.replace(bundle.manifest, modalities=tuple(specs.values()), files=())
    return ModelBundle(manifest, untrained_weights(specs, bundle.weights, seed))


def plain_features(samples: Sequence[Sample], specs: Sequence[ModalitySpec]) -> np.ndarray:
    """Unit rows: the fixed descriptors of a sample's windows side by side, zeros where it has none."""
    parts = []
    for spec in specs:
        describe = Descriptor(spec)
        there = [row for row, sample in enumerate(samples) if spec.name in sample.windows]
        part = np.zeros((len(samples), describe.dim), np.float32)
        if there:
            part[there] = describe(np.stack([samples[row].windows[spec.name] for row in there]))
        parts.append(part)
    rows = np.concatenate(parts, axis=1)
    unit: np.ndarray = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit
