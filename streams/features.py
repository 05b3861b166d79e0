"""Features of moments, to learn from labels with: what encoders know below their heads, beside fixed descriptors.

An aligned embedding keeps what modalities share, which is all that training rewards it for; what one of them knows
alone is still there below its head, and in its raw windows. Performs no I/O.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from encoders.loaded_model import LoadedModel
from encoders.modality import ModalitySpec
from encoders.scaling import Scaling
from streams.labels import LABEL
from streams.similarity.descriptor import Descriptor

# What a descriptor's column counts next to one of an encoder, squared: there are half as many. Of 1 and 2 the better
# one with five labels a class in 10 of 11 cases of UTD-MHAD, the watch recordings and MHEALTH; chosen there.
DESCRIPTOR_WEIGHT = 2.0


@dataclass(frozen=True, slots=True)
class FeatureBlock:
    """Columns of one modality that belong together: of its encoder, or of its descriptor."""

    modality: str
    columns: slice
    is_descriptor: bool = False

    @property
    def weight(self) -> float:
        """What each of its columns counts, squared, when rows are compared."""
        return DESCRIPTOR_WEIGHT if self.is_descriptor else 1.0

    @property
    def n_columns(self) -> int:
        """How many it has."""
        return int(self.columns.stop - self.columns.start)


class FeatureMaker:
    """Makes features `[N, dim]` float32 by one version, whose columns are always the same: see `blocks`.

    Modality after modality, in order of their names: the maps of its encoder below the head, pooled over time, then the
    fixed descriptor of its raw window. A modality that is not there has zeros. Each column has units of its own:
    whoever learns from them standardises them, as `trainer.downstream.ridge` does.

    Args:
        model: The version.
        modalities: Which of the model's to use; without it all but labels.

    Raises:
        ValueError: If there is none, or the model lacks one of them.
    """

    def __init__(self, model: LoadedModel, modalities: Collection[str] | None = None) -> None:
        known = {one.name: one for one in model.manifest.modalities if one.name in model.encoders and one.name != LABEL}
        self.modalities = tuple(sorted(known if modalities is None else modalities))
        _check(self.modalities, known, model.version)
        self._version, self._encoders = model.version, model.encoders
        self._descriptors = {name: Descriptor(known[name]) for name in self.modalities}
        blocks: list[FeatureBlock] = []
        for name in self.modalities:
            for part, is_descriptor in ((self._encoders[name].n_pooled, False), (self._descriptors[name].dim, True)):
                start = blocks[-1].columns.stop if blocks else 0
                blocks.append(FeatureBlock(name, slice(start, start + part), is_descriptor))
        self.blocks = tuple(blocks)
        self.dim: int = blocks[-1].columns.stop

    def __call__(self, raw: Mapping[str, np.ndarray], scaled: Mapping[str, np.ndarray]) -> Float[np.ndarray, "n dim"]:
        """The features of windows `[N, T, C]` by modality, row by row of the same moments.

        Args:
            raw: As the sensors sent them.
            scaled: The same in their sources' robust units.

        Raises:
            ValueError: If there are no windows, one is of no modality in use, or shapes or numbers of rows differ.
        """
        _check(raw, dict.fromkeys(self.modalities), self._version)
        sizes = {name: len(values) for both in (raw, scaled) for name, values in both.items()}
        if set(scaled) != set(raw) or len({len(one) for both in (raw, scaled) for one in both.values()}) > 1:
            raise ValueError(
                f"raw windows of {sorted(raw)}, scaled ones of {sorted(scaled)}, rows {sizes}: wanted as many"
            )
        rows = np.zeros((next(iter(sizes.values())), self.dim), np.float32)
        for pooled, described in zip(self.blocks[::2], self.blocks[1::2], strict=True):
            name = pooled.modality
            if name in raw:
                rows[:, pooled.columns] = self._encoders[name].pooled(scaled[name])
                rows[:, described.columns] = self._descriptors[name](raw[name])
        return rows

    def of_source(self, raw: Mapping[str, np.ndarray], scaling: Mapping[str, Scaling]) -> Float[np.ndarray, "n dim"]:
        """The features of windows of one source, whose scaling a Sample carries; raises as a call does."""
        if missing := sorted(set(raw) - set(scaling)):
            raise ValueError(f"scaling of {sorted(scaling)}, none of {missing}: wanted one of each modality")
        return self(raw, {name: scaling[name].apply(values) for name, values in raw.items()})


def _check(names: Iterable[str], known: Mapping[str, ModalitySpec | None], version: int) -> None:
    if unknown := sorted(set(names) - set(known)):
        raise ValueError(f"version {version} makes features of {sorted(known)}, not of {unknown}")
    if not list(names):
        raise ValueError("no windows: wanted at least one modality")
