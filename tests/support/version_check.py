"""Which model version's vectors the similarities of a Binding are of, found out without the worker's own state."""

from collections.abc import Iterable, Mapping

import numpy as np

from encoders.modality import ModalitySpec
from streams.arrival.row_vectors import EncoderFunction, RowVectors
from streams.history.store import Windows
from streams.records import Binding, Sample
from streams.settings import BindingSettings
from streams.similarity.window_likeness import window_likeness_of


class VersionCheck:
    """Computes the similarities of pairs anew, from the samples of the log and the published encoders.

    Args:
        spec: Of the shared modality.
        settings: Of binding; the descriptor is named, not "auto".
        encoders: Of the shared modality, by version; None for version 0.
        samples: All that may be in a Binding.
    """

    def __init__(
        self,
        spec: ModalitySpec,
        settings: BindingSettings,
        encoders: Mapping[int, EncoderFunction | None],
        samples: Iterable[Sample],
    ) -> None:
        assert settings.descriptor != "auto"
        known = [one for one in samples if spec.name in one.windows]
        self._places = {one.sample_id: place for place, one in enumerate(known)}
        scalings = [one.scaling[spec.name] for one in known]
        windows = Windows(
            np.stack([one.windows[spec.name] for one in known]).astype(np.float32),
            np.stack([one.center for one in scalings]).astype(np.float32),
            np.stack([one.scale for one in scalings]).astype(np.float32),
            np.zeros(len(known), np.int32),
        )
        share = settings.learned_share
        self._rows = {
            version: RowVectors(spec, encoder, share, settings.descriptor)(windows)
            for version, encoder in encoders.items()
        }
        likeness = window_likeness_of(spec, settings.lag_tolerant)
        # Of later rounds: the same but that what is unlike is not below 0 before the learned part comes in.
        self._described = np.maximum(likeness.cosines(likeness.described(windows.raw)), 0)
        scaled = windows.scaled
        self._learned = {version: encoder(scaled) for version, encoder in encoders.items() if encoder}
        self._share = np.float32(share)

    def deviation(self, binding: Binding, version: int) -> float:
        """How far the similarities of its partners are, at most, from those by the vectors of that version."""
        own = self._places[binding.sample_id]
        others = np.array([self._places[one.sample_id] for one in binding.partners])
        told = np.array([one.similarity for one in binding.partners])
        wanted = self._of_a_round(own, others, version) if binding.round else self._on_arrival(own, others, version)
        return float(np.abs(told - wanted).max())

    def versions(self, binding: Binding, tolerance: float) -> set[int]:
        """The versions whose vectors these may be."""
        return {version for version in self._rows if self.deviation(binding, version) <= tolerance}

    def _on_arrival(self, own: int, others: np.ndarray, version: int) -> np.ndarray:
        cosines: np.ndarray = self._rows[version][others] @ self._rows[version][own]
        return cosines

    def _of_a_round(self, own: int, others: np.ndarray, version: int) -> np.ndarray:
        cosines: np.ndarray = self._described[own, others]
        if version in self._learned:
            learned = self._learned[version]
            cosines = (1 - self._share) * cosines + self._share * (learned[others] @ learned[own])
        return cosines
