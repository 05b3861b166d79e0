"""What trained encoders of the modalities that do not bind say of pairs. Performs no I/O, reads no clock."""

from collections.abc import Collection, Mapping

import numpy as np
from jaxtyping import Bool, Float

from streams.history.table import SampleTable, Transform
from streams.similarity.standard_units import standardised


def second_opinion(
    table: SampleTable, shared: Collection[str], encoders: Mapping[str, Transform], among: Bool[np.ndarray, "n n"]
) -> Float[np.ndarray, "n n"]:
    """How well what is not shared goes together, `[N, N]`, in standard deviations of the pairs `among`; 0: unknown.

    Each modality is centred, since its embeddings lie together in a corner of the space (the modality gap).
    """
    fused: np.ndarray | None = None
    for name in sorted(encoders):
        places = table.having_embedded(name)
        if name in shared or not len(places):
            continue
        embedded = table.embedded(name, places, encoders)
        if fused is None:
            fused = np.zeros((len(among), embedded.shape[1]), np.float32)
        fused[places] += _unit(embedded - embedded.mean(axis=0))
    if fused is None:
        return np.zeros(among.shape, np.float32)
    fused = _unit(fused)
    known = np.any(fused != 0, axis=1)
    both = known[:, None] & known[None, :]
    opinion: np.ndarray = np.where(both, standardised(fused @ fused.T, among & both), np.float32(0))
    return opinion


def _unit(rows: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: np.ndarray = rows / np.maximum(length, 1e-9)
    return unit
