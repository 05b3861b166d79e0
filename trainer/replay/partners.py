"""Which of its partners an anchor is trained with. Performs no I/O; its randomness is an argument."""

import numpy as np

from streams.history.modality_sets import are_unlike
from streams.labels import LABEL
from streams.records import Partner, Sample
from trainer.replay.buffer import PartnerRule, ReplayBuffer
from trainer.settings import TrainerSettings


def bound_partner(shared: str) -> PartnerRule:
    """The product's rule: one of the Binding's partners, in proportion to its probability.

    Only partners that bring a new pair of modalities count, edges between modalities other than the shared one being
    what is trained, and only those that are not thought to be wrong (`trainer.min_confidence`). Where there is none, a
    companion of another source comes with weight 0: it adds its natural edges and its negatives, so that every row of
    every batch costs the same, here and in the controls.
    """
    return _Bound(shared)


class _Bound:
    """Looks for each anchor's usable partners once for each state of the buffer."""

    def __init__(self, shared: str) -> None:
        self._shared = shared
        self._known: tuple[ReplayBuffer, int] | None = None
        self._usable: dict[str, tuple[list[tuple[Partner, Sample]], np.ndarray]] = {}

    def __call__(
        self, buffer: ReplayBuffer, anchor: Sample, rng: np.random.Generator, /
    ) -> tuple[Sample | None, float]:
        if self._known != (buffer, buffer.revision):
            self._known, self._usable = (buffer, buffer.revision), {}
        if anchor.sample_id not in self._usable:
            self._usable[anchor.sample_id] = self._usable_of(buffer, anchor)
        usable, shares = self._usable[anchor.sample_id]
        if not usable:
            return companion(buffer, anchor, rng)
        chosen = min(int(np.searchsorted(shares, rng.random() * shares[-1], side="right")), len(usable) - 1)
        partner, sample = usable[chosen]
        # Related labels bind too, and for less.
        weight = max(partner.similarity, 0.0) if self._shared == LABEL else edge_weight(partner, buffer.settings)
        return sample, weight

    def _usable_of(self, buffer: ReplayBuffer, anchor: Sample) -> tuple[list[tuple[Partner, Sample]], np.ndarray]:
        usable = [
            (partner, buffer.samples[partner.sample_id])
            for partner in buffer.edges_of(anchor.sample_id)
            if partner.probability > 0 and partner.sample_id in buffer and not _is_doubtful(partner, buffer.settings)
        ]
        usable = [(partner, sample) for partner, sample in usable if brings_new_pair(anchor, sample, self._shared)]
        return usable, np.cumsum([partner.probability for partner, _ in usable])


def companion(buffer: ReplayBuffer, anchor: Sample, rng: np.random.Generator) -> tuple[Sample | None, float]:
    """Any sample of another source, with an edge that counts nothing."""
    return buffer.any_other(anchor.source_id, rng), 0.0


def edge_weight(partner: Partner, settings: TrainerSettings) -> float:
    """What the loss multiplies an edge by, at least 0."""
    return max(partner.similarity, 0.0) if settings.edge_weight == "similarity" else 1.0


def _is_doubtful(partner: Partner, settings: TrainerSettings) -> bool:
    """Whether it is thought to be right so seldom that it would do harm; one of which nothing is known is not."""
    return partner.confidence is not None and partner.confidence < settings.min_confidence


def brings_new_pair(anchor: Sample, partner: Sample, shared: str) -> bool:
    """Whether the two, of different sources, have different modalities besides the shared one."""
    if anchor.source_id == partner.source_id:
        return False
    return are_unlike(anchor.windows.keys() - {shared}, partner.windows.keys() - {shared})
