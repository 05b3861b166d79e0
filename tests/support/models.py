"""Models of random weights for tests: no training, a difference between any two versions."""

from collections.abc import Mapping

import numpy as np

from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec
from encoders.nets import Encoder, encoder_weights

SPECS = tuple(ModalitySpec(name=name, n_channels=3, n_steps=32, rate_hz=50) for name in ("gravity", "gyroscope"))


DIM = 8


def bundle(version: int) -> ModelBundle:
    """Encoders of gravity and gyroscope, other ones for each version."""
    manifest = ModelManifest(
        version=version, parent=version - 1, created_ns=1, modalities=SPECS, shared_modality="gravity", dim=DIM
    )
    weights: dict[str, Mapping[str, np.ndarray]] = {}
    for place, spec in enumerate(SPECS):
        arrays = encoder_weights(Encoder(spec, DIM, 8))
        rng = np.random.default_rng((version, place))
        weights[spec.name] = {
            name: rng.normal(0, 0.3, array.shape).astype(np.float32) for name, array in arrays.items()
        }
    return ModelBundle(manifest, weights)


def windows(n: int = 5) -> dict[str, np.ndarray]:
    """`[n, T, C]` by modality, as its encoders take them."""
    rng = np.random.default_rng(1)
    return {spec.name: rng.normal(size=(n, spec.n_steps, spec.n_channels)).astype(np.float32) for spec in SPECS}
