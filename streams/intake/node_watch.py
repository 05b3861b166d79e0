"""What looks wrong with a node, from the groups its windows end in. Performs no I/O and reads no clock.

Counted over a node's last WATCHED groups; each doubt is told once, and again only after a node was forgotten.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from streams.intake.group import Group
from streams.recent import Recent

Kind: TypeAlias = Literal["two-devices", "clocks", "late", "single"]

WATCHED = 64
DOUBTFUL_SHARE = 0.1  # of the groups watched
MAX_NODES = 10_000


class Doubt(NamedTuple):
    """One sentence on a node, for whoever looks after it."""

    kind: Kind
    source_id: str
    text: str


class _Seen(NamedTuple):
    slot: int
    modalities: frozenset[str]
    is_late: bool
    is_twice: bool


@dataclass(slots=True, eq=False)
class _Node:
    """Its last groups, and how many of them are late, came twice, hold one modality, hold each modality."""

    groups: deque[_Seen] = field(default_factory=deque)
    told: set[Kind] = field(default_factory=set)
    n_late: int = 0
    n_twice: int = 0
    n_single: int = 0
    n_of: Counter[str] = field(default_factory=Counter)

    def add(self, group: _Seen) -> None:
        self.groups.append(group)
        self._count(group, 1)
        if len(self.groups) > WATCHED:
            self._count(self.groups.popleft(), -1)

    @property
    def may_be_doubtful(self) -> bool:
        """Whether it is worth a closer look: most nodes have nothing to look at."""
        is_sparse = _is_doubtful(self.n_single) and sum(n > 0 for n in self.n_of.values()) > 1
        return len(self.groups) == WATCHED and (is_sparse or _is_doubtful(max(self.n_late, self.n_twice)))

    def _count(self, group: _Seen, n: int) -> None:
        self.n_late += n * group.is_late
        self.n_twice += n * group.is_twice
        self.n_single += n * (len(group.modalities) == 1)
        for name in group.modalities:
            self.n_of[name] += n


class NodeWatch:
    """Looks at every group.

    Args:
        hop_s: Length of a slot.
    """

    def __init__(self, hop_s: float) -> None:
        self._hop_s = hop_s
        self._nodes: Recent[str, _Node] = Recent(MAX_NODES)

    def observe(self, group: Group) -> list[Doubt]:
        """Takes note of a group, and gives what has become doubtful with it."""
        source_id = group.arrivals[0].window.source_id
        node = self._nodes.get(source_id)
        if node is None:
            node = self._nodes[source_id] = _Node()
        names = frozenset(one.window.modality for one in group.arrivals)
        is_twice = group.is_late and any(one.slot == group.slot and names <= one.modalities for one in node.groups)
        node.add(_Seen(group.slot, names, group.is_late, is_twice))
        if not node.may_be_doubtful:
            return []
        new = [doubt for doubt in self._doubts(source_id, node) if doubt.kind not in node.told]
        node.told.update(doubt.kind for doubt in new)
        return new

    def _doubts(self, source_id: str, node: _Node) -> Iterator[Doubt]:
        modalities = frozenset[str]().union(*(one.modalities for one in node.groups))
        single = [one for one in node.groups if len(one.modalities) == 1 and not one.is_late and len(modalities) > 1]
        alone = Counter(next(iter(one.modalities)) for one in single)
        n_late = sum(one.is_late and not one.is_twice for one in node.groups)
        if _is_doubtful(sum(one.is_twice for one in node.groups)):
            yield Doubt("two-devices", source_id, "sends a modality twice for one time: two devices under one id?")
        if _is_doubtful(n_late):
            yield Doubt("late", source_id, f"{n_late} of its last {WATCHED} samples came after their grace")
        often = [name for name, n in alone.items() if _is_doubtful(n)]
        if len(often) > 1:
            newest = {name: max(one.slot for one in single if name in one.modalities) for name in often}
            apart_s = (max(newest.values()) - min(newest.values())) * self._hop_s
            names = " and ".join(sorted(often))
            text = f"{names} seldom come together, some {apart_s:g} s apart: do their clocks differ by more than a hop?"
            yield Doubt("clocks", source_id, text)
        elif often:
            text = f"{alone[often[0]]} of its last {WATCHED} samples have {often[0]} alone, without its companions"
            yield Doubt("single", source_id, text)


def _is_doubtful(n: int) -> bool:
    return n > DOUBTFUL_SHARE * WATCHED
