"""What a process embeds with, whatever it is given: windows in robust units or raw ones, and samples."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from encoders.loaded_model import LoadedModel
from encoders.manifest import ModelManifest
from encoders.scaling import Scaling
from streams.models.node_scalings import NodeScalings
from streams.models.raw import RawScaler
from streams.models.serving import Embedded, NoModelYet, Serving, VersionInUse, windows_of
from streams.records import Sample


class Embedder:
    """Embeds by the version in `_serving`, which whoever follows a channel puts there. For any thread.

    Args:
        scalings: What the stream tells of its nodes, for raw windows.
    """

    def __init__(self, scalings: NodeScalings) -> None:
        self._serving = Serving()
        self._scalings = scalings
        self._raw = RawScaler(scalings)

    @property
    def model(self) -> LoadedModel:
        """The present model, to use for several calls that must be of one version.

        Raises:
            NoModelYet: Before the first one.
        """
        return self._present().model

    @property
    def version(self) -> int:
        """The present model's number, 0 before the first one."""
        present = self._serving.present
        return present.model.version if present else 0

    @property
    def manifest(self) -> ModelManifest | None:
        """What the present model says of itself."""
        present = self._serving.present
        return present.model.manifest if present else None

    def embed(self, windows: Mapping[str, np.ndarray], scaling: Mapping[str, Scaling] | None = None) -> np.ndarray:
        """Fused embeddings `[N, dim]` by one version: see LoadedModel.embed.

        Raises:
            NoModelYet: Before the first model.
            ValueError: If the windows do not fit the model.
        """
        return self.embed_versioned(windows, scaling).rows

    def embed_versioned(
        self, windows: Mapping[str, np.ndarray], scaling: Mapping[str, Scaling] | None = None
    ) -> Embedded:
        """The same with the version that made it; raises as `embed` does."""
        return self._serving.embed(lambda model: windows, scaling)

    def embed_raw(self, node: str, windows: Mapping[str, np.ndarray]) -> np.ndarray:
        """Fused embeddings of raw windows of one node, scaled as the stream scales that node.

        A node that the stream has not told of is scaled by the windows of it that came here: as in ingest each counts
        before it is scaled, and many in one call count all before any is. The first call reads what the stream
        tells, for at most five seconds.

        Args:
            node: Its source id.
            windows: As the sensors gave them, `[T, C]` or `[N, T, C]` by modality, row by row of the same moments.

        Returns:
            `[dim]` where each is one window `[T, C]`, else `[N, dim]`.

        Raises:
            NoModelYet: Before the first model.
            ValueError: If the windows do not fit the model, or a number is not finite.
        """
        rows = self.embed_raw_versioned(node, windows).rows
        return rows[0] if all(np.ndim(values) == 2 for values in windows.values()) else rows

    def embed_raw_versioned(self, node: str, windows: Mapping[str, np.ndarray]) -> Embedded:
        """The same as `[N, dim]`, with the version that made it and by modality whose scaling it was."""
        raw = self._raw(node, windows, self._present().model)
        embedded = self._serving.embed(lambda model: raw.windows, raw.scaling)
        return replace(embedded, scaled_by=raw.scaled_by)

    def embed_sample(self, sample: Sample) -> np.ndarray:
        """The fused embedding `[dim]` of those windows of a sample for which there are encoders, its label's left out.

        Raises:
            NoModelYet: Before the first model.
            ValueError: If there is none.
        """
        row: np.ndarray = self._serving.embed(windows_of(sample), None).rows[0]
        return row

    def features(self, windows: Mapping[str, np.ndarray], scaling: Mapping[str, Scaling]) -> np.ndarray:
        """Features `[N, dim]` by one version, to learn from labels with; what their columns are: see FeatureMaker.

        Args:
            windows: Raw, `[N, T, C]` for each modality, row by row of the same moments of one source.
            scaling: The source's, for each modality (a Sample carries it).

        Raises:
            NoModelYet: Before the first model.
            ValueError: If the windows do not fit the model.
        """
        return self._present().features.of_source(windows, scaling)

    def features_of_sample(self, sample: Sample) -> np.ndarray:
        """The features `[dim]` of those windows of a sample for which there are encoders; raises as `features` does."""
        maker = self._present().features
        raw = {name: window[None] for name, window in sample.windows.items() if name in maker.modalities}
        row: np.ndarray = maker.of_source(raw, sample.scaling)[0]
        return row

    def _present(self) -> VersionInUse:
        present = self._serving.present
        if present is None:
            raise NoModelYet("no model yet: wait_for(version, timeout_s) waits for one")
        return present
