"""What a process embeds with, whatever it is given: windows in robust units or raw ones, and samples."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from encoders.loaded_model import LoadedModel
from encoders.manifest import ModelManifest
from encoders.scaling import Scaling
from streams.labels import LABEL
from streams.models.node_scalings import NodeScalings
from streams.models.raw import RawScaler
from streams.models.serving import Embedded, NoModelYet, Serving, VersionInUse, windows_of
from streams.records import Sample, SampleEmbedding


class Embedder:
    """Embeds by the version in `_serving`, which whoever follows a channel puts there. For any thread.

    Args:
        scalings: What the stream tells of its nodes, for raw windows.
        scaling_windows: Raw windows that scale a node exactly of which it tells nothing.
    """

    def __init__(self, scalings: NodeScalings, scaling_windows: int) -> None:
        self._serving = Serving()
        self._scalings = scalings
        self._raw = RawScaler(scalings, scaling_windows)

    @property
    def model(self) -> LoadedModel:
        """The present model, to use for several calls that must be of one version.

        Raises:
            NoModelYet: Before the first one.
        """
        return _present(self._serving).model

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
        raw = self._raw(node, windows, _present(self._serving).model)
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

    def embed_samples(self, samples: Sequence[Sample]) -> list[SampleEmbedding]:
        """The fused embeddings of samples, in their order, scaled as `embed_raw` scales; labels are left out.

        A window for which the present version has no encoder, or one of another shape, is left out, and so is a sample
        that has no other. Bit by bit what `embed_raw` gives for a node that the stream knows.

        Raises:
            NoModelYet: Before the first model.
        """
        serving = self._serving
        model = _present(serving).model
        rows_of: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for row, sample in enumerate(samples):
            rows_of[_usable(sample, model)].append(row)
        rows_of.pop((), None)
        found: dict[int, SampleEmbedding] = {}
        for names, rows in rows_of.items():
            windows = {name: np.stack([self._raw.of_sample(samples[row], name) for row in rows]) for name in names}
            embedded = serving.embed(partial(_known_to, windows), None)
            for row, values in zip(rows, embedded.rows, strict=True):
                found[row] = _embedding(samples[row], embedded.version, names, values)
        return [found[row] for row in sorted(found)]

    def features(self, windows: Mapping[str, np.ndarray], scaling: Mapping[str, Scaling]) -> np.ndarray:
        """Features `[N, dim]` by one version, to learn from labels with; what their columns are: see FeatureMaker.

        Args:
            windows: Raw, `[N, T, C]` for each modality, row by row of the same moments of one source.
            scaling: The source's, for each modality (a Sample carries it).

        Raises:
            NoModelYet: Before the first model.
            ValueError: If the windows do not fit the model.
        """
        return _present(self._serving).features.of_source(windows, scaling)

    def features_of_sample(self, sample: Sample) -> np.ndarray:
        """The features `[dim]` of those windows of a sample for which there are encoders; raises as `features` does."""
        maker = _present(self._serving).features
        raw = {name: window[None] for name, window in sample.windows.items() if name in maker.modalities}
        row: np.ndarray = maker.of_source(raw, sample.scaling)[0]
        return row


def _present(serving: Serving) -> VersionInUse:
    if serving.present is None:
        raise NoModelYet("no model yet: wait_for(version, timeout_s) waits for one")
    return serving.present


def _usable(sample: Sample, model: LoadedModel) -> tuple[str, ...]:
    """The modalities of a sample's windows for which there are encoders, in their shape."""
    known = (spec for spec in model.manifest.modalities if spec.name in model.encoders and spec.name != LABEL)
    shapes = {spec.name: (spec.n_steps, spec.n_channels) for spec in known}
    return tuple(sorted(name for name, window in sample.windows.items() if shapes.get(name) == window.shape))


def _known_to(windows: Mapping[str, np.ndarray], model: LoadedModel) -> dict[str, np.ndarray]:
    return {name: values for name, values in windows.items() if name in model.encoders}


def _embedding(sample: Sample, version: int, names: tuple[str, ...], values: np.ndarray) -> SampleEmbedding:
    return SampleEmbedding(
        sample_id=sample.sample_id,
        source_id=sample.source_id,
        start_ns=sample.start_ns,
        model_version=version,
        modalities=names,
        values=values,
    )
