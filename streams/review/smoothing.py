"""Look-alikes of a sample have a say in who its partners are. Pure."""

import numpy as np
from jaxtyping import Float, Int

from streams.similarity.standard_units import hub_corrected, largest, standardised

# Look-alikes of its own source and of others that have a say in a sample's partners, and how large a say.
# Chosen by hand; what smoothing is worth: `python -m benchmarks.learning --ablation`.
OWN_LOOK_ALIKES, OTHER_LOOK_ALIKES = 2, 4
OWN_SAY, OTHER_SAY = 0.3, 0.2
# In standard deviations of likeness: within it one look-alike is as good as another.
LOOK_ALIKE_SOFTNESS = 0.5
# Rows that are mixed together: few enough that what they need stays in the cache.
ROWS_AT_ONCE = 32


def smoothed(
    scores: Float[np.ndarray, "n n"],
    likeness: Float[np.ndarray, "n n"],
    sources: Int[np.ndarray, " n"],
    modality_sets: Int[np.ndarray, " n"],
) -> Float[np.ndarray, "n n"]:
    """Scores `[N, N]` in which a sample's look-alikes have a say: what suits them is likely to suit it.

    Each end of a pair is replaced by a mixture of itself and samples with the same modalities that the shared modality
    finds like it: with W the weights of the mixture, `W scores W^T` (label propagation, or the query and database
    expansion of image retrieval).

    Args:
        scores: Of each pair.
        likeness: Of each pair, by the shared modality alone.
        sources: `[N]` codes.
        modality_sets: `[N]` codes of which modalities a sample has.
    """
    near = standardised(hub_corrected(likeness), ~np.eye(len(likeness), dtype=bool))
    same_modalities = modality_sets[:, None] == modality_sets[None, :]
    np.fill_diagonal(same_modalities, val=False)
    own = same_modalities & (sources[:, None] == sources[None, :])
    mixtures = [
        _mixture(near, own, OWN_LOOK_ALIKES, OWN_SAY),
        _mixture(near, same_modalities & ~own, OTHER_LOOK_ALIKES, OTHER_SAY),
    ]
    rest = 1 - sum(weights.sum(axis=1) for _, weights in mixtures)
    mixed = _mixed(scores, mixtures, rest)
    both: np.ndarray = _mixed(np.ascontiguousarray(mixed.T), mixtures, rest).T
    return np.ascontiguousarray(both)


def _mixture(near: np.ndarray, usable: np.ndarray, most: int, say: float) -> tuple[np.ndarray, np.ndarray]:
    """For each row its `most` nearest that are usable, and their weights, `say` in all or 0 where there are none."""
    places, found = largest(np.where(usable, near, np.float32(-np.inf)), most)
    peak = found[:, :1]
    weights = np.exp((found - np.where(np.isfinite(peak), peak, 0)) / np.float32(LOOK_ALIKE_SOFTNESS))
    total = weights.sum(axis=1, keepdims=True)
    return places, np.divide(np.float32(say) * weights, total, out=np.zeros_like(weights), where=total > 0)


def _mixed(scores: np.ndarray, mixtures: list[tuple[np.ndarray, np.ndarray]], rest: np.ndarray) -> np.ndarray:
    places = np.concatenate([np.arange(len(scores))[:, None], *(places for places, _ in mixtures)], axis=1)
    weights = np.concatenate([rest[:, None], *(weights for _, weights in mixtures)], axis=1)[:, None, :]
    mixed = np.empty_like(scores)
    for start in range(0, len(scores), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        mixed[part] = np.matmul(weights[part], scores[places[part]])[:, 0]
    return mixed
