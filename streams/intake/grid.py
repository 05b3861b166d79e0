"""Slots: whole numbers for the times of one source, so that windows of one time get one number. Performs no I/O."""

SMOOTHING = 8  # share of what a window is off that the grid follows: 1 / SMOOTHING


def slot_of(start_ns: int, hop_ns: int) -> int:
    """`round(start_ns / hop_ns)`, halves up, in exact integers."""
    return (2 * start_ns + hop_ns) // (2 * hop_ns)


class SourceGrid:
    """Slots of one source, in its own phase: with one phase for all, a source near the half of a hop would fall apart.

    The first window's slot is that of the epoch's grid. From then on slots are counted from the latest one, and the
    grid follows what windows are off: a clock that is slower than `hop_ns` says never crosses into the next slot.
    """

    __slots__ = ("_hop_ns", "_middle_ns", "_slot")

    def __init__(self, hop_ns: int) -> None:
        self._hop_ns = hop_ns
        self._slot: int | None = None
        self._middle_ns = 0

    def slot(self, start_ns: int) -> int:
        """The slot of a window that starts then; half a hop off is the later one."""
        if self._slot is None:
            return slot_of(start_ns, self._hop_ns)
        return self._slot + slot_of(start_ns - self._middle_ns, self._hop_ns)

    def follow(self, slot: int, start_ns: int) -> None:
        """Takes note of where a window lies in its slot; one of an earlier slot tells nothing new."""
        if self._slot is None:
            self._slot, self._middle_ns = slot, start_ns
        elif slot > self._slot:
            expected_ns = self._middle_ns + (slot - self._slot) * self._hop_ns
            self._slot, self._middle_ns = slot, expected_ns + (start_ns - expected_ns) // SMOOTHING
