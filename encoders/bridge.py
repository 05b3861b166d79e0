"""The map from one version's embeddings to the next one's, and how well it carries them over. Performs no I/O.

The orthogonal Procrustes problem (Schönemann, 1966): of all rotations and reflections R, the one for which |A R - B|
is least is U V^T, where U S V^T is the singular value decomposition of A^T B. Rows of A and B `[N, dim]` are unit
embeddings of the same windows by the old and the new version. R keeps lengths and angles: what was alike stays alike.
"""

from dataclasses import dataclass

import numpy as np

from encoders.errors import MmbindError

# Mean cosine of mapped old and new embeddings below which a map is not used. On UTD-MHAD and the watch recordings fewer
# than four of the ten nearest were found again below it, and more above.
MIN_COSINE = 0.7
# Rows for each dimension below which a map says more of its rows than of the versions.
MIN_ROWS_PER_DIM = 2
# Under this name the quality stands in a manifest's evaluation.
BRIDGE_COSINE = "bridge/cosine"


class NoBridge(MmbindError, ValueError):  # noqa: N818 - it says what is so
    """Embeddings cannot be carried over to a version; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Bridge:
    """`map` is `[dim, dim]` float32; `cosine` the mean cosine of mapped and new rows that were not fitted on."""

    map: np.ndarray
    cosine: float


def procrustes(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The orthogonal map `[dim, dim]` float32 that brings rows of `old` nearest to those of `new`, both `[N, dim]`."""
    left, _, right = np.linalg.svd(old.astype(np.float64).T @ new.astype(np.float64))
    found: np.ndarray = (left @ right).astype(np.float32)
    return found


def fit_bridge(old: np.ndarray, new: np.ndarray, seed: int = 0) -> Bridge | None:
    """The map fitted on all rows, its quality cross-fitted: each half of the rows is judged by the map of the other.

    Args:
        old: Unit embeddings `[N, dim]` by the old version.
        new: The same windows' by the new one.
        seed: Of the halves.

    Returns:
        None where there are too few rows, or versions of different dimensions.
    """
    if old.shape != new.shape or len(old) < 2 * MIN_ROWS_PER_DIM * old.shape[1]:
        return None
    order = np.random.default_rng(seed).permutation(len(old))
    halves = np.array_split(order, 2)
    cosines = [
        (apply_map(old[judged], procrustes(old[fitted], new[fitted])) * new[judged]).sum(axis=1)
        for fitted, judged in (halves, halves[::-1])
    ]
    return Bridge(procrustes(old, new), float(np.concatenate(cosines).mean()))


def apply_map(vectors: np.ndarray, mapping: np.ndarray) -> np.ndarray:
    """Unit rows `[N, dim]` float32 in the new space."""
    mapped = vectors.astype(np.float32) @ mapping
    length = np.linalg.norm(mapped, axis=1, keepdims=True)
    rows: np.ndarray = mapped / np.maximum(length, np.finfo(np.float32).tiny)
    return rows
