"""A node as its samples show it. Performs no I/O and reads no clock."""

from collections import Counter, deque
from typing import NamedTuple

from deploy.top.flow import Flow
from deploy.top.heads import SampleHead

WATCHED = 64
# Fewer say nothing of clocks.
ENOUGH = 8
OFTEN = 0.25


class _Seen(NamedTuple):
    start_ns: int
    modalities: frozenset[str]


class Node:
    """Its last WATCHED samples."""

    def __init__(self, source_id: str) -> None:
        self.source_id = source_id
        self.is_held_out = False
        self.flow = Flow()
        self.heard_ms = 0
        self._seen: deque[_Seen] = deque(maxlen=WATCHED)

    def note(self, head: SampleHead, at_ms: int) -> None:
        """A sample of it, written at that time."""
        self.is_held_out = head.held_out
        self.flow.note(at_ms)
        self.heard_ms = max(self.heard_ms, at_ms)
        self._seen.append(_Seen(head.start_ns, frozenset(head.windows)))

    @property
    def modalities(self) -> tuple[str, ...]:
        """Those of its last samples, by name."""
        return tuple(sorted(frozenset[str]().union(*(one.modalities for one in self._seen))))

    @property
    def n_watched(self) -> int:
        """Samples that the other figures are of."""
        return len(self._seen)

    @property
    def n_whole(self) -> int:
        """Samples with all that it sends."""
        n_modalities = len(self.modalities)
        return sum(len(one.modalities) == n_modalities for one in self._seen)

    @property
    def n_single(self) -> int:
        """Samples with one modality, where it sends more."""
        return sum(len(one.modalities) == 1 for one in self._seen) if len(self.modalities) > 1 else 0

    @property
    def clock_gap_s(self) -> float:
        """How far the clocks of its sensors are apart: those whose windows seldom come together; 0 where none are."""
        single = [one for one in self._seen if len(one.modalities) == 1]
        alone = Counter(next(iter(one.modalities)) for one in single)
        often = [name for name, n in alone.items() if n > OFTEN * len(self._seen)]
        if len(self._seen) < ENOUGH or not often:
            return 0.0
        newest = [max(one.start_ns for one in single if name in one.modalities) for name in often]
        return (max(newest) - min(newest)) / 1e9
