"""What an assembler knows of one source: its open and closed slots, and what is expected of it. Performs no I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from streams.intake.grid import SourceGrid
from streams.intake.group import ArrivedWindow
from streams.intake.intervals import Intervals

ABSENT_SLOTS = 4  # a modality that was absent from so many closed slots in a row is no longer expected


@dataclass(slots=True, eq=False)
class OpenSlot:
    """Windows that wait for companions. `in_order`: its first one was the latest of its modality."""

    opened_ns: int
    in_order: bool
    arrivals: dict[str, ArrivedWindow] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class SourceSlots:
    """One source. `absences` counts, for each expected modality, the closed slots in a row that it was absent from."""

    grid: SourceGrid
    partition: int = 0
    is_known: bool = False
    absences: dict[str, int] = field(default_factory=dict)
    watermarks: dict[str, int] = field(default_factory=dict)  # highest slot seen, by modality
    open: dict[int, OpenSlot] = field(default_factory=dict)
    in_order: list[int] = field(default_factory=list)  # a heap of open slots, closed ones are skipped
    closed: Intervals = field(default_factory=Intervals)

    @property
    def passed(self) -> int | None:
        """All expected modalities have reached this slot."""
        if not self.is_known or not all(name in self.watermarks for name in self.absences):
            return None
        return min((self.watermarks[name] for name in self.absences), default=None)

    def is_complete(self, slot: int, modalities: frozenset[str]) -> bool:
        """Whether an open slot has all that is expected, or all that exist."""
        have = self.open[slot].arrivals.keys()
        return have >= modalities or (self.is_known and have >= self.absences.keys())

    def count_absences(self, present: Iterable[str]) -> None:
        """Takes note of the modalities that a closed slot had."""
        counts = {name: count + 1 for name, count in self.absences.items()}
        counts.update(dict.fromkeys(present, 0))
        self.absences = {name: count for name, count in counts.items() if count < ABSENT_SLOTS}
