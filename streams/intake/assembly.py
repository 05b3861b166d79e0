"""Windows of one source at one time become one group. Performs no I/O and reads no clock.

Which windows belong together says the `grid` of their source. An open slot is closed by the first of these:

a. all modalities expected of its source are there: those it had in its recent slots, or all that exist;
b. every expected modality of the source has gone past it. Each modality has a watermark of its own, since topics are
   read far apart when there is much to catch up with: one that runs ahead does not make the others late;
c. the grace is over, by the wall clock, since its first window was taken up, and all that had been written by then to
   the topics of what it lacks was read: a topic with a backlog is waited for, however long, one at its end is not;
d. there is no more room for what waits.

Until a slot of a new source was closed by c or d, nobody knows what to expect of it. Nothing here compares two sources:
a clock that runs ahead makes nobody else late.
"""

import heapq
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from streams.intake.grid import SourceGrid
from streams.intake.group import ArrivedWindow, Group
from streams.intake.source_slots import OpenSlot, SourceSlots

# Modality and partition, to the moment on the wall clock up to which all that was written there has been read.
ReadUpto: TypeAlias = Callable[[str, int], int]

MAX_OPEN_BYTES = 256 * 1024 * 1024
MAX_SOURCES = 10_000


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
        self._sources: OrderedDict[str, SourceSlots] = OrderedDict()
        self._open: OrderedDict[tuple[str, int], None] = OrderedDict()  # in the order they were opened
        self.waiting_bytes: Counter[tuple[str, int]] = Counter()  # of open slots, by modality and partition
        self.n_forced = 0  # slots closed for want of room

    @property
    def n_open(self) -> int:
        """How many slots wait for companions."""
        return len(self._open)

    def slot(self, source_id: str, start_ns: int) -> int:
        """Where a window of this source would go."""
        known = self._sources.get(source_id)
        return (known.grid if known else SourceGrid(self._hop_ns)).slot(start_ns)

    def add(self, arrival: ArrivedWindow, now_ns: int) -> list[Group]:
        """Takes a window, gives what it closes."""
        window = arrival.window
        source = self._source(window.source_id)
        slot = source.grid.slot(window.start_ns)
        source.grid.follow(slot, window.start_ns)
        source.partition = arrival.place.partition
        watermark = source.watermarks.get(window.modality)
        source.watermarks[window.modality] = slot if watermark is None else max(slot, watermark)
        source.absences[window.modality] = 0
        is_extra = slot in source.open and window.modality in source.open[slot].arrivals
        if is_extra or slot in source.closed:
            return [Group(slot, (arrival,), is_late=True), *self._settle(window.source_id, source)]
        if slot not in source.open:
            in_order = watermark is None or slot > watermark
            self._open_slot(window.source_id, source, slot, OpenSlot(now_ns, in_order))
        source.open[slot].arrivals[window.modality] = arrival
        self.waiting_bytes[window.modality, arrival.place.partition] += window.values.nbytes
        groups = []
        if source.is_complete(slot, self._modalities):
            groups.append(self._close(window.source_id, slot))
        groups += self._settle(window.source_id, source)
        if self.waiting_bytes.total() > self._max_open_bytes:
            groups += self.make_room(lambda: self.waiting_bytes.total() <= self._max_open_bytes)
        return groups

    def tick(self, now_ns: int, read_upto: ReadUpto | None = None) -> list[Group]:
        """Closes the slots whose grace is over; without `read_upto` every topic is taken to be at its end."""
        upto = read_upto or (lambda modality, partition: now_ns)
        due, held_up = [], set()
        for source_id, slot in self._waiting_since(now_ns - self._grace_ns):
            # What came after it waits with it: a look at each of many thousand slots would take longer than a tick.
            if source_id in held_up or not self._is_over(source_id, slot, upto):
                held_up.add(source_id)
            else:
                due.append((source_id, slot))
        groups: list[Group] = []
        for source_id, slot in due:
            source = self._sources[source_id]
            if slot in source.open:
                groups.append(self._close(source_id, slot))
                source.is_known = True
                groups += self._settle(source_id, source, expects_less=True)
        return groups

    def make_room(self, is_enough: Callable[[], bool], partition: int | None = None) -> list[Group]:
        """Closes the slots that have been open longest, of that partition or of all, until it is enough.

        Of a source of which nobody knows what to expect, the modalities that wait now are expected from here on.
        """
        groups: list[Group] = []
        while not is_enough():
            oldest = (one for one in self._open if partition in (None, self._sources[one[0]].partition))
            source_id, slot = next(oldest, (None, 0))
            if source_id is None:
                break
            source = self._sources[source_id]
            if not source.is_known:
                source.is_known = True
                groups += self._settle(source_id, source, expects_less=True)
            if slot in source.open:
                self.n_forced += 1
                groups.append(self._close(source_id, slot))
        return groups

    def flush(self) -> list[Group]:
        """The groups of all open slots, which are closed by this."""
        return [self._close(source_id, slot) for source_id, slot in list(self._open)]

    def recall(self, source_id: str, slot: int, start_ns: int, modalities: Iterable[str], is_late: bool) -> None:
        """Takes note of a group of an earlier life: its slot is closed, unless it was a late one.

        Args:
            source_id: Whose it was.
            slot: As it was numbered then.
            start_ns: Of its first window.
            modalities: Whose windows it had.
            is_late: Whether it came alone after its slot was closed.
        """
        source = self._source(source_id)
        if is_late:
            source.absences.update(dict.fromkeys(modalities, 0))
            return
        source.grid.follow(slot, start_ns)
        source.closed.add(slot)
        source.is_known = True
        source.count_absences(frozenset(modalities))

    def _source(self, source_id: str) -> SourceSlots:
        if source_id in self._sources:
            self._sources.move_to_end(source_id)
            return self._sources[source_id]
        if len(self._sources) >= self._max_sources:
            idle = next((name for name, one in self._sources.items() if not one.open), None)
            if idle is not None:
                del self._sources[idle]
        self._sources[source_id] = SourceSlots(SourceGrid(self._hop_ns))
        return self._sources[source_id]

    def _open_slot(self, source_id: str, source: SourceSlots, slot: int, opened: OpenSlot) -> None:
        source.open[slot] = opened
        self._open[source_id, slot] = None
        if opened.in_order:
            heapq.heappush(source.in_order, slot)

    def _settle(self, source_id: str, source: SourceSlots, expects_less: bool = False) -> list[Group]:
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
                complete = [slot for slot in source.open if source.is_complete(slot, self._modalities)]
                groups += [self._close(source_id, slot) for slot in sorted(complete)]
            if len(source.absences) == n_expected:
                return groups
            expects_less = True

    def _close(self, source_id: str, slot: int) -> Group:
        source = self._sources[source_id]
        closing = source.open.pop(slot)
        del self._open[source_id, slot]
        source.closed.add(slot)
        for name, one in closing.arrivals.items():
            self.waiting_bytes[name, one.place.partition] -= one.window.values.nbytes
        if closing.arrivals.keys() >= self._modalities:
            source.is_known = True
        source.count_absences(closing.arrivals.keys())
        return Group(slot, tuple(closing.arrivals[name] for name in sorted(closing.arrivals)))

    def _waiting_since(self, latest_ns: int) -> Iterator[tuple[str, int]]:
        for source_id, slot in self._open:
            if self._sources[source_id].open[slot].opened_ns > latest_ns:
                return
            yield source_id, slot

    def _is_over(self, source_id: str, slot: int, read_upto: ReadUpto) -> bool:
        source, opened = self._sources[source_id], self._sources[source_id].open[slot]
        expected = source.absences.keys() if source.is_known else self._modalities
        end_ns = opened.opened_ns + self._grace_ns
        return all(
            source.watermarks.get(name, slot) > slot or read_upto(name, source.partition) >= end_ns
            for name in expected - opened.arrivals.keys()
        )
