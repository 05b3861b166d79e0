"""The encoders of one version, and the one embedding they make of a moment. Knows no broker and no topic."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from encoders.bridge import BRIDGE_COSINE, MIN_COSINE, NoBridge, apply_map
from encoders.manifest import ModelManifest
from encoders.scaling import Scaling


class WindowEncoder(Protocol):
    """From windows `[N, T, C]` in robust units to unit rows `[N, dim]`, and to the pooled maps below its head."""

    n_pooled: int

    def __call__(self, windows: np.ndarray, /) -> np.ndarray:
        """Unit rows `[N, dim]`."""
        ...

    def pooled(self, windows: np.ndarray, /) -> np.ndarray:
        """Pooled maps `[N, n_pooled]`."""
        ...


class LoadedModel:
    """The encoders of one version; never changes, so that all that is made with it can be compared.

    Args:
        manifest: What the version says of itself.
        encoders: By modality.
        bridge: The map from its parent's embeddings, if there is one.
    """

    def __init__(
        self, manifest: ModelManifest, encoders: Mapping[str, WindowEncoder], bridge: np.ndarray | None = None
    ) -> None:
        self.manifest, self._bridge = manifest, bridge
        self.encoders = dict(encoders)

    @property
    def version(self) -> int:
        """The version's number."""
        return self.manifest.version

    def embed(self, windows: Mapping[str, np.ndarray], scaling: Mapping[str, Scaling] | None = None) -> np.ndarray:
        """The fused embeddings `[N, dim]`: the mean of the modalities' unit embeddings, made unit length again.

        Args:
            windows: `[N, T, C]` for each modality, row by row of the same moments.
            scaling: The source's, for each modality (a Sample carries it); without it the windows are taken to be in
                their source's robust units already.

        Raises:
            ValueError: If there are no windows, the model lacks a modality, or shapes or numbers of rows differ.
        """
        if not windows:
            raise ValueError("no windows: wanted at least one modality")
        if missing := sorted(set(windows) - set(self.encoders)):
            raise ValueError(f"version {self.version} has encoders for {sorted(self.encoders)}, not for {missing}")
        if len({len(values) for values in windows.values()}) > 1:
            raise ValueError(f"rows differ: { {name: len(values) for name, values in windows.items()} }")
        total = np.zeros((len(next(iter(windows.values()))), self.manifest.dim), np.float32)
        # In order of the names, so that the last bits do not depend on the caller's.
        for name in sorted(windows):
            values = windows[name] if scaling is None else scaling[name].apply(windows[name])
            total += self.encoders[name](values)
        length = np.linalg.norm(total, axis=1, keepdims=True)
        fused: np.ndarray = total / np.maximum(length, np.finfo(np.float32).tiny)
        return fused

    def adapt(self, vectors: np.ndarray, from_version: int) -> np.ndarray:
        """Embeddings `[N, dim]` that the parent version made, carried over: unit rows, to be compared with this one's.

        From further back: version by version, each with its own bridge.

        Raises:
            NoBridge: If that version is not the parent, there is no bridge or a poor one, or the dimension differs.
        """
        manifest, told = self.manifest, f"embeddings of version {from_version} cannot be carried to {self.version}"
        if from_version == self.version:
            raise NoBridge(f"{told}: they are of it already")
        if from_version != manifest.parent:
            raise NoBridge(f"{told}: its bridge is from version {manifest.parent}, its parent")
        if self._bridge is None:
            raise NoBridge(f"{told}: it was published without a bridge")
        cosine = manifest.evaluation.get(BRIDGE_COSINE, float("nan"))
        if not cosine >= MIN_COSINE:
            raise NoBridge(f"{told}: its bridge has a mean cosine of {cosine:.2f}, wanted {MIN_COSINE} or more")
        if vectors.ndim != 2 or vectors.shape[1] != manifest.dim:
            raise NoBridge(f"{told}: they have shape {vectors.shape}, wanted (N, {manifest.dim})")
        return apply_map(vectors, self._bridge)
