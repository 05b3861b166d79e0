"""What the same few labels are worth without a model: so that one sees what the unlabelled stream brought."""

from collections.abc import Sequence

import msgspec
import numpy as np

from encoders.bundle import ModelBundle
from encoders.modality import ModalitySpec
from streams.features import FeatureBlock
from streams.records import Sample
from streams.similarity.descriptor import Descriptor
from trainer.downstream.classification import ClassScores, Gain
from trainer.downstream.finetune import untrained_weights

# As they stand in reports: encoders of the same sizes before any training; fixed descriptors of the windows.
UNTRAINED, DESCRIPTORS = "untrained", "descriptors"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Another classifier from the same labels, and how much more accurate the chosen one is."""

    what: str
    scores: ClassScores
    gain: Gain


def untrained(bundle: ModelBundle, modalities: Sequence[str], seed: int) -> ModelBundle:
    """The same encoders as they were before they were trained, for these modalities."""
    specs = {spec.name: spec for spec in bundle.manifest.modalities if spec.name in modalities}
    manifest = msgspec.structs.replace(bundle.manifest, modalities=tuple(specs.values()), files=())
    return ModelBundle(manifest, untrained_weights(specs, bundle.weights, seed))


def descriptor_blocks(specs: Sequence[ModalitySpec]) -> tuple[FeatureBlock, ...]:
    """What the columns of `descriptors` are."""
    ends = np.cumsum([Descriptor(spec).dim for spec in specs]).tolist()
    places = zip(specs, [0, *ends[:-1]], ends, strict=True)
    return tuple(FeatureBlock(spec.name, slice(start, end), is_descriptor=True) for spec, start, end in places)


def descriptors(samples: Sequence[Sample], specs: Sequence[ModalitySpec]) -> np.ndarray:
    """The fixed descriptors `[n, dim]` of a sample's windows side by side, zeros where it has none."""
    blocks = descriptor_blocks(specs)
    rows = np.zeros((len(samples), blocks[-1].columns.stop), np.float32)
    for spec, block in zip(specs, blocks, strict=True):
        there = [row for row, sample in enumerate(samples) if spec.name in sample.windows]
        if there:
            windows = np.stack([samples[row].windows[spec.name] for row in there])
            rows[there, block.columns] = Descriptor(spec)(windows)
    return rows
