"""Nodes that do one of a few things in each slot, and lack sensors. Performs no I/O and reads no clock."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import msgspec

from deploy.errors import WrongInput
from encoders.modality import ModalitySpec
from streams.intake.windows import is_held_out
from streams.labels import LABEL
from streams.records import LabelRecord, SensorWindow
from streams.settings import IngestSettings, StreamSettings
from streams.testing import NS_PER_S, SyntheticWorld


@dataclass(frozen=True, slots=True)
class World:
    """So many nodes do one of so many activities in each slot.

    `noise` is its standard deviation, where signals have an amplitude of about 1; `seed` is of all that is drawn.
    """

    n_nodes: int = 12
    n_activities: int = 8
    noise: float = 2.5
    seed: int = 0


class Fleet:
    """Windows of a simulated fleet, and the truth about them.

    All nodes have the shared modality, and of the others each lacks one in turn; but those that the settings hold out
    have all, since versions are judged on them. What a node does is seen through all of its sensors.

    Args:
        settings: Its modalities, hop, and which nodes are held out.
        world: Who does what.
        n_slots: Of one hop each.
        end_ns: When the last slot ends.

    Raises:
        WrongInput: If the settings have no second modality.
    """

    def __init__(self, settings: StreamSettings, world: World, n_slots: int, end_ns: int) -> None:
        sensors = dict(settings.sensors)
        if len(sensors) < 2:
            raise WrongInput(f"modalities are {', '.join(sensors)}: wanted two at least, since each node lacks one")
        shared = settings.shared_modality if settings.shared_modality in sensors else next(iter(sensors))
        self.node_ids = node_ids(end_ns, world.n_nodes, settings.ingest)
        self.n_slots, self.n_complete = n_slots, sum(is_held_out(one, settings.ingest) for one in self.node_ids)
        self._hop_ns = round(settings.ingest.hop_s * NS_PER_S)
        self._start_ns = (end_ns // self._hop_ns - n_slots) * self._hop_ns
        self._world = SyntheticWorld(
            world.n_nodes,
            world.n_activities,
            specs=[sensors.pop(shared), *sensors.values()],
            n_complete=self.n_complete,
            noise=world.noise,
            seed=world.seed,
        )
        self._sends_labels = settings.shared_modality == LABEL

    @property
    def specs(self) -> dict[str, ModalitySpec]:
        """The modalities by name, the one that all have first."""
        return self._world.specs

    @property
    def n_windows(self) -> int:
        """How many `windows` gives."""
        return self.n_slots * sum(len(self._world.modalities_of(node)) for node in range(len(self.node_ids)))

    def windows(self) -> Iterator[SensorWindow]:
        """What is sent, in order of time, each made when it is asked for: without labels, unless they bind."""
        for slot in range(self.n_slots):
            for node, node_id in enumerate(self.node_ids):
                for modality in self._world.modalities_of(node):
                    yield msgspec.structs.replace(
                        self._world.window(node, slot, modality),
                        source_id=node_id,
                        start_ns=self._start_ns + slot * self._hop_ns,
                        label=self.activity(node, slot) if self._sends_labels else None,
                    )

    def activity(self, node: int, slot: int) -> str:
        """What a node does in a slot."""
        return f"activity-{self._world.label(node, slot)}"

    def truth(self) -> dict[tuple[str, int], str]:
        """What each node does, by its id and the slot's start in ns."""
        return {
            (node_id, self._start_ns + slot * self._hop_ns): self.activity(node, slot)
            for node, node_id in enumerate(self.node_ids)
            for slot in range(self.n_slots)
        }

    def lacking(self) -> dict[str, int]:
        """How many nodes lack each modality."""
        has = [self._world.modalities_of(node) for node in range(len(self.node_ids))]
        counts = {name: sum(name not in one for one in has) for name in self._world.specs}
        return {name: n for name, n in counts.items() if n}

    def few_labels(self, per_activity: int = 2) -> list[LabelRecord]:
        """The first so many moments of each activity, of nodes that are not held out."""
        found: dict[str, list[LabelRecord]] = {}
        order = {node_id: place for place, node_id in enumerate(self.node_ids)}
        for (node_id, start_ns), activity in self.truth().items():
            known = found.setdefault(activity, [])
            if len(known) < per_activity and order[node_id] >= self.n_complete:
                end_ns = start_ns + self._hop_ns
                known.append(LabelRecord(source_id=node_id, start_ns=start_ns, end_ns=end_ns, label=activity))
        return [one for known in found.values() for one in known]


def node_ids(end_ns: int, n_nodes: int, ingest: IngestSettings) -> Sequence[str]:
    """Ids of no fleet before, those that are held out first: the settings' share of them, as near as ids allow."""
    wanted = round(ingest.held_out_share * n_nodes) or bool(ingest.held_out_share)
    for second in count(end_ns // NS_PER_S):
        tag = time.strftime("%d%H%M%S", time.gmtime(second))
        ids = [f"sim-{tag}-{node:02d}" for node in range(n_nodes)]
        if sum(is_held_out(one, ingest) for one in ids) == wanted:
            return sorted(ids, key=lambda one: (not is_held_out(one, ingest), one))
    raise AssertionError("count() has no end")
