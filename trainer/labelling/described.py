"""Samples without their windows: who, when, and a fixed descriptor of each window. Performs no I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from encoders.modality import ModalitySpec
from streams.labels import LABEL
from streams.records import Sample
from streams.similarity.descriptor import Descriptor

NS_PER_S = 1_000_000_000
# A column of descriptors that moves less than this says nothing.
STILL = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class DescribedSample:
    """A sample, from `start_ns` to `end_ns`; `rows` holds a float32 descriptor `[d]` by modality."""

    sample_id: str
    source_id: str
    start_ns: int
    end_ns: int
    rows: Mapping[str, np.ndarray]

    @property
    def middle_ns(self) -> int:
        """The middle of its longest window: whose label it is, where it lies across the border of two."""
        return (self.start_ns + self.end_ns) // 2


def described(samples: Sequence[Sample], specs: Mapping[str, ModalitySpec]) -> list[DescribedSample]:
    """The samples in order; modalities that `specs` lacks are left out, and so are labels that bind."""
    rows: list[dict[str, np.ndarray]] = [{} for _ in samples]
    for name, spec in specs.items():
        places = [place for place, one in enumerate(samples) if name in one.windows and name != LABEL]
        if places:
            found = _descriptor(spec)(np.stack([samples[place].windows[name] for place in places]))
            for place, row in zip(places, found, strict=True):
                rows[place][name] = row
    return [
        DescribedSample(one.sample_id, one.source_id, one.start_ns, _end_ns(one, specs), own)
        for one, own in zip(samples, rows, strict=True)
    ]


def unit_rows(samples: Iterable[DescribedSample], modality: str) -> np.ndarray:
    """Unit rows `[n, d]` of one modality, which all of the samples have; each column in its standard deviations."""
    rows = np.stack([one.rows[modality] for one in samples]).astype(np.float64)
    rows = (rows - rows.mean(0)) / np.maximum(rows.std(0), STILL)
    unit: np.ndarray = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), STILL)
    return unit.astype(np.float32)


def _end_ns(sample: Sample, specs: Mapping[str, ModalitySpec]) -> int:
    longest_s = max((specs[name].duration_s for name in sample.windows if name in specs), default=0.0)
    return sample.start_ns + round(longest_s * NS_PER_S)


@lru_cache(maxsize=256)
def _descriptor(spec: ModalitySpec) -> Descriptor:
    return Descriptor(spec)
