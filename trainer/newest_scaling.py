"""Samples in the units that their sources have now, not in those of their arrival. Performs no I/O."""

from collections.abc import Iterable

import msgspec

from encoders.scaling import Scaling
from streams.records import Sample


class NewestScaling:
    """The scaling of each source as its newest sample carries it, for all samples of that source.

    A source's scaling follows its data. What was scaled by the first windows alone, of a sensor that lay still, say, is
    seen as later windows are.
    """

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        self._by_source: dict[str, dict[str, Scaling]] = {}
        for sample in samples:
            self.note(sample)

    def note(self, sample: Sample) -> None:
        """Takes a sample's scaling as its source's newest."""
        self._by_source.setdefault(sample.source_id, {}).update(sample.scaling)

    def of(self, sample: Sample) -> Sample:
        """The sample with its source's newest scaling; as it is, if nothing is known of its source."""
        newest = self._by_source.get(sample.source_id)
        if newest is None:
            return sample
        return msgspec.structs.replace(sample, scaling=sample.scaling | newest)

    def forget(self, source_id: str) -> None:
        """Lets go of a source."""
        self._by_source.pop(source_id, None)
