"""What a classifier over frozen features gets right: the product's, on encoders of any arm."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from benchmarks.learning.data import World
from benchmarks.learning.score import Weights, fitted
from encoders.loaded_model import LoadedModel
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec
from encoders.nets import EncoderFunction
from streams.features import FeatureMaker
from streams.records import Sample
from trainer.downstream.ridge import learn_classes


def frozen_accuracy(world: World, weights: Weights, labelled: Sequence[Sample]) -> float:
    """The share of the test role that is right, with features of the two modalities that never met.

    Columns are standardised with all windows of the labelled role.
    """
    maker = FeatureMaker(model_of(world.recordings.specs, weights), (world.first, world.second))
    classes = sorted({repr(one.label) for one in labelled})
    number = [classes.index(repr(one.label)) for one in labelled]
    few, unlabelled, asked = (_features(maker, weights, one) for one in (labelled, world.labelled, world.test))
    said = learn_classes(few, number, len(classes), maker.blocks, unlabelled)(asked)
    return float(np.mean([classes[one] == repr(sample.label) for one, sample in zip(said, world.test, strict=True)]))


def model_of(specs: Mapping[str, ModalitySpec], weights: Weights) -> LoadedModel:
    """Encoders as a follower holds them; they may have been made for windows with a channel more."""
    known = tuple(specs[name] for name in sorted(specs) if name in weights)
    dim = len(weights[known[0].name]["head.2.bias"])
    manifest = ModelManifest(
        version=1, parent=0, created_ns=0, modalities=known, shared_modality=known[0].name, dim=dim
    )
    channels = {one.name: int(weights[one.name]["stem.weight"].shape[1]) for one in known}
    encoders = {
        one.name: EncoderFunction(
            msgspec.structs.replace(one, n_channels=channels[one.name], channels=()), weights[one.name]
        )
        for one in known
    }
    return LoadedModel(manifest, encoders)


def _features(maker: FeatureMaker, weights: Weights, samples: Sequence[Sample]) -> np.ndarray:
    raw = {name: np.stack([one.windows[name] for one in samples]) for name in maker.modalities}
    scaled = {
        name: fitted(np.stack([one.scaled(name) for one in samples]), weights[name]["stem.weight"].shape[1])
        for name in maker.modalities
    }
    return np.asarray(maker(raw, scaled))
