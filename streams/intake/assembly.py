"""Windows of one source at one time become one group. Performs no I/O and reads no clock.

A slot is `round(start_ns / hop_ns)`. An open slot is closed by the first of these:

a. all modalities expected of its source are there: those it had in its recent slots, or all that exist;
b. every expected modality of the source has gone past it. Each modality has a watermark of its own, since topics are
   read far apart when there is much to catch up with: one that runs ahead does not make the others late;
c. the grace is over, by the wall clock, since its first window came. While an expected modality still comes in and has
   not reached the slot, it is waited for up to `CATCH_UP_GRACES` graces.

Until the first slot of a new source was closed by the grace, nobody knows what to expect of it. Nothing here compares
two sources: a clock that runs ahead makes nobody else late.
"""

import heapq
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from encoders.scaling import Scaling
from streams.intake.intervals import Intervals
from streams.messages.message import Place
from streams.records import SensorWindow

ABSENT_SLOTS = 4  # a modality that was absent from so many closed slots in a row is no longer expected
CATCH_UP_GRACES = 10
MAX_OPEN_BYTES = 256 * 1024 * 1024
MAX_SOURCES = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class ArrivedWindow:
    """A checked window with the scaling that holds for it, and the message it came in."""

    window: SensorWindow
    scaling: Scaling
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """What came of one slot, by modality name. `is_late`: the slot had been closed, or had this modality already."""

    slot: int
    arrivals: tuple[ArrivedWindow, ...]
    is_late: bool = False

    @property
    def sample_id(self) -> str:
        """The same for the same windows, whenever they come."""
        window = self.arrivals[0].window
        if self.is_late:
            return f"{window.source_id}@{self.slot}@{window.modality}@{window.start_ns}"
        return f"{window.source_id}@{self.slot}"


def slot_of(start_ns: int, hop_ns: int) -> int:
    """`round(start_ns / hop_ns)`, halves up, in exact integers."""
    return (2 * start_ns + hop_ns) // (2 * hop_ns)


@dataclass(slots=True, eq=False)
class _OpenSlot:
    opened_ns: int
    in_order: bool
    arrivals: dict[str, ArrivedWindow] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Source:
    is_known: bool = False
    absences: dict[str, int] = field(default_factory=dict)  # its keys are the expected modalities
    watermarks: dict[str, int] = field(default_factory=dict)  # highest slot seen, by modality
    came_ns: dict[str, int] = field(default_factory=dict)
    open: dict[int, _OpenSlot] = field(default_factory=dict)
    in_order: list[int] = field(default_factory=list)  # a heap of open slots, closed ones are skipped
    closed: Intervals = field(default_factory=Intervals)

    @property
    def passed(self) -> int | None:
        """All expected modalities have reached this slot."""
        if not self.is_known or not all(name in self.watermarks for name in self.absences):
            return None
        return min((self.watermarks[name] for name in self.absences), default=None)


class Assembler:
    """Groups windows by source and slot.

    Args:
        modalities: All that exist.
        hop_ns: Length of a slot.
        grace_ns: Time that a slot waits for its companions.
        max_open_bytes: Beyond it the slot that has been open longest is closed.
        max_sources: Beyond it the source that has been silent longest is forgotten, unless windows of it wait.
    """

    def __init__(
        self,
        modalities: Iterable[str],
        hop_ns: int,
        grace_ns: int,
        max_open_bytes: int = MAX_OPEN_BYTES,
        max_sources: int = MAX_SOURCES,
    ) -> None:
        self._modalities = frozenset(modalities)
        self._hop_ns = hop_ns
        self._grace_ns = grace_ns
        self._max_open_bytes = max_open_bytes
        self._max_sources = max_sources
        self._sources: OrderedDict[str, _Source] = OrderedDict()
        self._open: OrderedDict[tuple[str, int], None] = OrderedDict()  # in the order they were opened
        self._open_bytes = 0

    @property
    def n_open(self) -> int:
        """How many slots wait for companions."""
        return len(self._open)

    def add(self, arrival: ArrivedWindow, now_ns: int) -> list[Group]:
        """Takes a window, gives what it closes."""
        window = arrival.window
        slot = slot_of(window.start_ns, self._hop_ns)
        source = self._source(window.source_id)
        watermark = source.watermarks.get(window.modality)
        source.watermarks[window.modality] = slot if watermark is None else max(slot, watermark)
        source.came_ns[window.modality] = now_ns
        source.absences[window.modality] = 0
        is_extra = slot in source.open and window.modality in source.open[slot].arrivals
        if is_extra or slot in source.closed:
            return [Group(slot, (arrival,), is_late=True), *self._settle(window.source_id, source)]
        if slot not in source.open:
            in_order = watermark is None or slot > watermark
            self._open_slot(window.source_id, source, slot, _OpenSlot(now_ns, in_order))
        source.open[slot].arrivals[window.modality] = arrival
        self._open_bytes += window.values.nbytes
        groups = []
        if self._is_complete(source, slot):
            groups.append(self._close(window.source_id, slot))
        return [*groups, *self._settle(window.source_id, source), *self._make_room()]

    def tick(self, now_ns: int) -> list[Group]:
        """Closes the slots whose grace is over."""
        due = [one for one in self._waiting_since(now_ns - self._grace_ns) if self._is_over(*one, now_ns)]
        groups: list[Group] = []
        for source_id, slot in due:
            source = self._sources[source_id]
            if slot in source.open:
                groups.append(self._close(source_id, slot))
                source.is_known = True
                groups += self._settle(source_id, source, expects_less=True)
        return groups

    def flush(self) -> list[Group]:
        """The groups of all open slots, which are closed by this."""
        return [self._close(source_id, slot) for source_id, slot in list(self._open)]

    def recall(self, source_id: str, start_ns: int, modalities: Iterable[str], is_late: bool = False) -> None:
        """Takes note of a group of an earlier life: its slot is closed, unless it was a late one."""
        source = self._source(source_id)
        if is_late:
            source.absences.update(dict.fromkeys(modalities, 0))
            return
        source.closed.add(slot_of(start_ns, self._hop_ns))
        source.is_known = True
        self._count_absences(source, frozenset(modalities))

    def _source(self, source_id: str) -> _Source:
        if source_id in self._sources:
            self._sources.move_to_end(source_id)
            return self._sources[source_id]
        if len(self._sources) >= self._max_sources:
            idle = next((name for name, one in self._sources.items() if not one.open), None)
            if idle is not None:
                del self._sources[idle]
        self._sources[source_id] = _Source()
        return self._sources[source_id]

    def _open_slot(self, source_id: str, source: _Source, slot: int, opened: _OpenSlot) -> None:
        source.open[slot] = opened
        self._open[source_id, slot] = None
        if opened.in_order:
            heapq.heappush(source.in_order, slot)

    def _is_complete(self, source: _Source, slot: int) -> bool:
        have = source.open[slot].arrivals.keys()
        return have >= self._modalities or (source.is_known and have >= source.absences.keys())

    def _settle(self, source_id: str, source: _Source, expects_less: bool = False) -> list[Group]:
        """Closes what has become complete or was passed, until nothing more does."""
        groups: list[Group] = []
        while True:
            n_expected = len(source.absences)
            passed = source.passed
            while passed is not None and source.in_order and source.in_order[0] < passed:
                slot = heapq.heappop(source.in_order)
                if slot in source.open:
                    groups.append(self._close(source_id, slot))
            if expects_less or len(source.absences) < n_expected:
                complete = [slot for slot in source.open if self._is_complete(source, slot)]
                groups += [self._close(source_id, slot) for slot in sorted(complete)]
            if len(source.absences) == n_expected:
                return groups
            expects_less = True

    def _close(self, source_id: str, slot: int) -> Group:
        source = self._sources[source_id]
        closing = source.open.pop(slot)
        del self._open[source_id, slot]
        source.closed.add(slot)
        self._open_bytes -= sum(one.window.values.nbytes for one in closing.arrivals.values())
        if closing.arrivals.keys() >= self._modalities:
            source.is_known = True
        self._count_absences(source, closing.arrivals.keys())
        return Group(slot, tuple(closing.arrivals[name] for name in sorted(closing.arrivals)))

    def _count_absences(self, source: _Source, present: Iterable[str]) -> None:
        counts = {name: count + 1 for name, count in source.absences.items()}
        counts.update(dict.fromkeys(present, 0))
        source.absences = {name: count for name, count in counts.items() if count < ABSENT_SLOTS}

    def _waiting_since(self, latest_ns: int) -> Iterator[tuple[str, int]]:
        for source_id, slot in self._open:
            if self._sources[source_id].open[slot].opened_ns > latest_ns:
                return
            yield source_id, slot

    def _is_over(self, source_id: str, slot: int, now_ns: int) -> bool:
        source, opened = self._sources[source_id], self._sources[source_id].open[slot]
        if now_ns - opened.opened_ns >= CATCH_UP_GRACES * self._grace_ns:
            return True
        return not any(
            source.watermarks.get(name, slot) < slot and now_ns - source.came_ns[name] < self._grace_ns
            for name in source.absences.keys() - opened.arrivals.keys()
        )

    def _make_room(self) -> list[Group]:
        groups = []
        while self._open_bytes > self._max_open_bytes:
            groups.append(self._close(*next(iter(self._open))))
        return groups
