"""A candidate with the map from its parent's embeddings, fitted on the held-out samples that both embed."""

import logging
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from encoders.bridge import BRIDGE_COSINE, fit_bridge
from encoders.bundle import BundleError, ModelBundle
from encoders.manifest import ModelManifest
from encoders.nets import EncoderFunction, load_encoders
from streams.models.registry import Registry
from streams.records import Sample
from trainer.candidate import Candidate

log = logging.getLogger(__name__)


def bridged(candidate: Candidate, registry: Registry, parent: ModelManifest | None) -> ModelBundle:
    """The candidate's bundle with its bridge; as it is where there is no parent, or too little to fit on.

    Args:
        candidate: Its `held_out` samples are those that are embedded.
        registry: Where the parent's files lie; a version is not held up because they cannot be read.
        parent: The version that the candidate follows on, None if there is none.
    """
    bundle = candidate.bundle
    if parent is None or not candidate.held_out:
        return bundle
    try:
        old, new = load_encoders(registry.fetch(parent)), load_encoders(bundle)
        bridge = fit_bridge(*stacked_rows(old, new, candidate.held_out))
    except (BundleError, ValueError) as error:
        log.warning("there will be no bridge from version %d: %s", parent.version, error)
        return bundle
    if bridge is None:
        return bundle
    evaluation = bundle.manifest.evaluation | {BRIDGE_COSINE: bridge.cosine}
    return ModelBundle(msgspec.structs.replace(bundle.manifest, evaluation=evaluation), bundle.weights, bridge.map)


def stacked_rows(
    old: Mapping[str, EncoderFunction], new: Mapping[str, EncoderFunction], samples: Sequence[Sample]
) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows `[N, dim]` of the same windows by both, of all modalities that both embed, one after the other."""
    rows: tuple[list[np.ndarray], list[np.ndarray]] = [], []
    for name in sorted(set(old) & set(new)):
        if having := [one.scaled(name) for one in samples if name in one.windows]:
            windows = np.stack(having)
            for kept, encoders in zip(rows, (old, new), strict=True):
                kept.append(encoders[name](windows))
    first, second = (np.concatenate(kept) if kept else np.zeros((0, 1), np.float32) for kept in rows)
    return first, second
