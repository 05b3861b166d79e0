"""Raw windows of a node, ready to be embedded: their shapes checked, and a scaling for each modality."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from encoders.loaded_model import LoadedModel
from encoders.modality import ModalitySpec
from encoders.scaling import RobustScaler, Scaling
from streams.models.node_scalings import NodeScalings
from streams.models.serving import ScaledBy
from streams.recent import Recent
from streams.records import Sample

# As many as ingest takes where its settings say nothing else.
SCALING_WINDOWS = 32
REMEMBERED = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class RawWindows:
    """Windows `[N, T, C]` and the scaling by modality, and whose scaling it is."""

    windows: Mapping[str, np.ndarray]
    scaling: Mapping[str, Scaling]
    scaled_by: Mapping[str, ScaledBy]


class RawScaler:
    """Scales each node as the stream does; one that the stream does not know, by the windows that come here.

    As in ingest a window counts before it is scaled; many in one call count all before any is. What is known here of a
    node is forgotten once the stream knows it. For any thread.

    Args:
        stream: What the stream tells.
        n_fit: Windows that make a scaling complete.
    """

    def __init__(self, stream: NodeScalings, n_fit: int = SCALING_WINDOWS) -> None:
        self._stream, self._n_fit = stream, n_fit
        self._own: Recent[tuple[str, str], RobustScaler] = Recent(REMEMBERED)
        self._lock = threading.Lock()

    def __call__(self, node: str, windows: Mapping[str, np.ndarray], model: LoadedModel) -> RawWindows:
        """The windows of one node with their scaling.

        Args:
            node: Its source id.
            windows: `[T, C]` or `[N, T, C]` by modality, row by row of the same moments, in the order of their time.
            model: Whose shapes they must have.

        Raises:
            ValueError: If they do not fit the model, or a number is not finite; nothing of them counts then.
        """
        specs = {spec.name: spec for spec in model.manifest.modalities if spec.name in model.encoders}
        checked = {name: _checked(name, values, specs, model.version) for name, values in windows.items()}
        rows = {name: len(values) for name, values in checked.items()}
        if len(set(rows.values())) > 1:
            raise ValueError(f"windows of node {node!r} have rows {rows}, wanted as many of each modality")
        scaling: dict[str, Scaling] = {}
        scaled_by: dict[str, ScaledBy] = {}
        for name, values in checked.items():
            scaling[name], scaled_by[name] = self._scaling((node, name), values)
        return RawWindows(checked, scaling, scaled_by)

    def of_sample(self, sample: Sample, modality: str) -> np.ndarray:
        """The window `[T, C]` of a sample in robust units: the stream's newest of its node, else the sample's own."""
        window = sample.windows[modality]
        known = self._stream.of(sample.source_id, modality)
        return known.apply(window) if known and known.center.shape == window.shape[1:] else sample.scaled(modality)

    def _scaling(self, key: tuple[str, str], values: np.ndarray) -> tuple[Scaling, ScaledBy]:
        known = self._stream.of(*key)
        # Of another number of channels it is of another sensor than the model knows.
        if known is not None and known.center.shape == values.shape[2:]:
            with self._lock:
                self._own.pop(key, None)
            return known, "stream"
        with self._lock:
            scaler = self._own.get(key) or RobustScaler(self._n_fit)
            self._own[key] = scaler
            self._own.move_to_end(key)
            return [scaler.update(window) for window in values][-1], "own"


def _checked(name: str, values: np.ndarray, specs: Mapping[str, ModalitySpec], version: int) -> np.ndarray:
    """The windows `[N, T, C]`, float32."""
    if name not in specs:
        raise ValueError(f"version {version} has encoders for {sorted(specs)}, not for {name!r}")
    wanted = (specs[name].n_steps, specs[name].n_channels)
    array = np.asarray(values, np.float32)
    if array.shape != wanted and (array.ndim != 3 or array.shape[1:] != wanted or not len(array)):
        raise ValueError(f"windows of {name!r} have shape {array.shape}, wanted {wanted} or (N, *{wanted})")
    if not np.isfinite(array).all():
        raise ValueError(f"windows of {name!r} hold a number that is not finite, wanted finite numbers")
    return array.reshape(-1, *wanted)
