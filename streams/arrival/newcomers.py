"""Which of the samples that come are new, and which of these can be bound. Performs no I/O and reads no clock."""

from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from streams.recent import RecentKeys
from streams.records import Outcome, Sample
from streams.similarity.descriptor import moves


class Newcomer(NamedTuple):
    """A new sample, "bound" if it may be on arrival, else why not; and whether it may be asked again with others."""

    sample: Sample
    outcome: Outcome
    may_be_reviewed: bool


class Newcomers:
    """Knows the samples that are not held, so that a second one is no newcomer.

    Args:
        shared: The modalities that bind, the first of them on arrival.
        held: Ids of the samples that are held.
        most: So many others are remembered.
    """

    def __init__(self, shared: Sequence[str], held: Container[str], most: int) -> None:
        self._shared, self._held = tuple(shared), held
        self._passed: RecentKeys[str] = RecentKeys(most)

    def sort(self, samples: Sequence[Sample]) -> list[Newcomer]:
        """The new ones in order.

        One that lacks a moving window of the first shared modality, but has one of another, is "alone" until it is
        asked again with others.
        """
        fresh: dict[str, Sample] = {}
        for sample in samples:
            if sample.sample_id not in self._held and sample.sample_id not in self._passed:
                fresh.setdefault(sample.sample_id, sample)
        new = list(fresh.values())
        moving = {name: set(self._moving(new, name)) for name in self._shared}
        may_be_reviewed = set().union(*moving.values())
        newcomers: list[Newcomer] = []
        for sample in new:
            outcome: Outcome = "no-shared-modality"
            if sample.held_out:
                outcome = "held-out"
            elif sample.sample_id in moving[self._shared[0]]:
                outcome = "bound"
            elif any(name in sample.windows for name in self._shared):
                outcome = "alone"
            if outcome != "bound":
                self._passed.note(sample.sample_id)
            newcomers.append(Newcomer(sample, outcome, sample.sample_id in may_be_reviewed))
        return newcomers

    def _moving(self, samples: Sequence[Sample], name: str) -> Iterator[str]:
        """Ids of those that may bind by the modality."""
        having = [sample for sample in samples if name in sample.windows and not sample.held_out]
        if having:
            for sample, is_moving in zip(having, moves(np.stack([one.windows[name] for one in having])), strict=True):
                if is_moving:
                    yield sample.sample_id
