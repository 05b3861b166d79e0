"""The samples and edges that training draws from. Performs no I/O and reads no clock; its randomness is its own."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import msgspec
import numpy as np

from streams.recent import RecentKeys
from streams.records import Binding, Partner, Sample
from trainer.newest_scaling import NewestScaling
from trainer.replay.sources import SourceBook
from trainer.replay.spacing import Spacing
from trainer.settings import TrainerSettings
from trainer.step.edges import EdgeBatch

Identity: TypeAlias = tuple[str, int]


class ReplayEntry(msgspec.Struct, frozen=True, array_like=True):
    """One sample of the buffer and its pseudo-pairs, as the newest round of its Binding has them."""

    sample_id: str
    round: int
    partners: tuple[Partner, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ReplayState:
    """What a buffer is made of again: edges, oldest first; identities admitted, oldest first; random state."""

    edges: tuple[ReplayEntry, ...] = ()
    admitted: tuple[Identity, ...] = ()
    random: dict[str, Any] | None = None


class ReplayBuffer:
    """The latest samples with their edges, bounded in number and in bytes of windows, and balanced over sources.

    A full buffer forgets the oldest sample of the source that has most. An edge is drawn only while both of its ends
    are in the buffer: partners come in by their own Bindings, so nothing else need be kept.

    Args:
        settings: Its `replay_samples`, `replay_bytes`, `remembered_bindings`, `batch_spacing_s` and `edge_weight` count
            here.
        rule: Chooses each anchor's partner: see `partners` and, for what it is compared with, `controls`.
        state: Of an earlier buffer.
        samples: Where the state's samples are found; those that are missing are left out and counted.
    """

    def __init__(
        self,
        settings: TrainerSettings,
        rule: "PartnerRule",
        state: ReplayState | None = None,
        samples: Mapping[str, Sample] | None = None,
    ) -> None:
        self.settings = settings
        self.n_missing = 0
        self.revision = 0
        self._rule = rule
        self._rng = np.random.default_rng([settings.seed, 1])
        self._samples: dict[str, Sample] = {}
        self._edges: dict[str, ReplayEntry] = {}
        self._sources = SourceBook()
        self._newest = NewestScaling()
        self.n_bytes = 0
        self._admitted: RecentKeys[Identity] = RecentKeys(settings.remembered_bindings)
        if state is not None:
            self._restore(state, samples or {})

    def __len__(self) -> int:
        return len(self._samples)

    def __contains__(self, sample_id: object) -> bool:
        return sample_id in self._samples

    @property
    def samples(self) -> Mapping[str, Sample]:
        """The buffer's samples by id, oldest first."""
        return self._samples

    @property
    def n_remembered(self) -> int:
        """Bindings whose repeats are recognised."""
        return len(self._admitted)

    @property
    def by_source(self) -> Mapping[str, Sequence[str]]:
        """Ids of the buffer's samples by source, oldest first."""
        return self._sources.ids

    def knows(self, identity: Identity) -> bool:
        """Whether this sample and round was admitted before."""
        return identity in self._admitted

    def note(self, identity: Identity) -> None:
        """It was, without its edges: others replace them at once."""
        self._admitted.note(identity)

    def admit(self, binding: Binding, sample: Sample) -> bool:
        """Takes the Binding's edges in; False, and no change, if this sample and round was admitted before.

        A newer round replaces the older one; an older one that comes late is admitted and changes nothing. One that was
        withheld has natural edges only.
        """
        identity = (binding.sample_id, binding.round)
        if self.knows(identity):
            return False
        self.note(identity)
        present = self._edges.get(binding.sample_id)
        if len(sample.windows) > 1 and (present is None or present.round < binding.round):
            partners = () if binding.outcome == "withheld" else binding.partners
            self._put(ReplayEntry(binding.sample_id, binding.round, partners), sample)
        return True

    def forget(self, sources: Container[str]) -> int:
        """Lets go of all samples of these sources; how many. Edges to them are never drawn any more."""
        gone = [source for source in self._sources.names if source in sources]
        ids = [sample_id for source in gone for sample_id in self._sources.pop(source)]
        for sample_id in ids:
            self._let_go(sample_id)
        self.revision += 1
        return len(ids)

    def draw(self, n_rows: int) -> EdgeBatch:
        """Rows of an anchor and a partner: anchors uniformly over sources, then over a source's samples.

        Each sample comes with the newest scaling of its source, whatever it was scaled by on arrival. Two windows of
        one source within `batch_spacing_s` are avoided where the buffer allows it.

        Raises:
            ValueError: If the buffer is empty.
        """
        if not self._samples:
            raise ValueError("a batch was drawn from an empty replay buffer")
        spacing = Spacing(self.settings.batch_spacing_s)
        anchors: list[Sample] = []
        partners: list[Sample | None] = []
        weights = np.zeros(n_rows, np.float32)
        for row in range(n_rows):
            anchor = spacing.choose(self._any_anchor)
            assert anchor is not None
            partner, weights[row] = self._spaced_partner(spacing, anchor)
            anchors.append(anchor)
            partners.append(partner)
        in_units = self._newest.of
        return EdgeBatch([in_units(one) for one in anchors], [one and in_units(one) for one in partners], weights)

    def any_other(self, source_id: str, rng: np.random.Generator) -> Sample | None:
        """A sample of another source, uniformly over sources; None if there is no other source."""
        own = self._sources.place_of(source_id)
        n_others = len(self._sources.names) - (own is not None)
        if not n_others:
            return None
        place = int(rng.integers(n_others))
        return self._any_of(place + (own is not None and place >= own), rng)

    def edges_of(self, sample_id: str) -> Sequence[Partner]:
        """The sample's pseudo-pairs, whether their other ends are in the buffer or not."""
        return self._edges[sample_id].partners

    @property
    def confidence(self) -> tuple[float | None, float]:
        """Mean confidence of all samples' best partners as far as it is known, or None, and the share that is not."""
        best = [max(one.partners, key=lambda to: to.probability) for one in self._edges.values() if one.partners]
        known = [one.confidence for one in best if one.confidence is not None]
        unknown = 1 - len(known) / len(best) if best else 0.0
        return sum(known) / len(known) if known else None, unknown

    def snapshot(self) -> ReplayState:
        """All that the next draw and the next admission depend on, but the samples' windows."""
        random: dict[str, Any] = dict(self._rng.bit_generator.state)
        return ReplayState(tuple(self._edges.values()), tuple(self._admitted), random)

    def _spaced_partner(self, spacing: Spacing, anchor: Sample) -> tuple[Sample | None, float]:
        weight = 0.0

        def choose() -> Sample | None:
            nonlocal weight
            partner, weight = self._rule(self, anchor, self._rng)
            return partner

        partner = spacing.choose(choose)
        return partner, weight

    def _any_anchor(self) -> Sample:
        if self.settings.balanced_replay:
            return self._any_of(int(self._rng.integers(len(self._sources.names))), self._rng)
        ids = list(self._samples)
        return self._samples[ids[int(self._rng.integers(len(ids)))]]

    def _any_of(self, source: int, rng: np.random.Generator) -> Sample:
        ids = self._sources.ids[self._sources.names[source]]
        return self._samples[ids[int(rng.integers(len(ids)))]]

    def _put(self, edges: ReplayEntry, sample: Sample) -> None:
        if edges.sample_id not in self._samples:
            self._sources.add(sample.source_id, edges.sample_id)
            self.n_bytes += _bytes_of(sample)
            self._samples[edges.sample_id] = sample
            self._newest.note(sample)
        self._edges[edges.sample_id] = edges
        self.revision += 1
        while len(self._samples) > 1 and self._is_too_full:
            self._let_go(self._sources.pop_oldest())

    @property
    def _is_too_full(self) -> bool:
        return len(self._samples) > self.settings.replay_samples or self.n_bytes > self.settings.replay_bytes

    def _let_go(self, sample_id: str) -> None:
        gone = self._samples.pop(sample_id)
        self.n_bytes -= _bytes_of(gone)
        del self._edges[sample_id]
        if gone.source_id not in self._sources.ids:
            self._newest.forget(gone.source_id)

    def _restore(self, state: ReplayState, samples: Mapping[str, Sample]) -> None:
        for edges in state.edges:
            if edges.sample_id in samples:
                self._put(edges, samples[edges.sample_id])
            else:
                self.n_missing += 1
        for identity in state.admitted:
            self._admitted.note(identity)
        if state.random is not None:
            self._rng.bit_generator.state = state.random


class PartnerRule(Protocol):
    """Chooses an anchor's partner, and what the loss multiplies that edge by."""

    def __call__(
        self, buffer: ReplayBuffer, anchor: Sample, rng: np.random.Generator, /
    ) -> tuple[Sample | None, float]:
        """A sample of another source and a weight of at least 0, or None if there is none to be had."""
        ...


def _bytes_of(sample: Sample) -> int:
    return sum(values.nbytes for values in sample.windows.values())
