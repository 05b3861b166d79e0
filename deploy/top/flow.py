"""How many records of a topic come, where perhaps not all are read. Performs no I/O and reads no clock."""

from collections import Counter

# Over which a rate is taken.
WINDOW_MS = 10_000


class Flow:
    """Counts by the second in which they came.

    >>> flow = Flow()
    >>> for second in range(20):
    ...     flow.note(1000 * second, n_records=3)
    >>> flow.per_s(now_ms=20_000), flow.total
    (3.0, 60)
    """

    def __init__(self) -> None:
        self.n_records = self.n_messages = self.n_skipped = 0
        self._records: Counter[int] = Counter()
        self._messages: Counter[int] = Counter()
        self._skipped: Counter[int] = Counter()
        self._first_ms: int | None = None

    @property
    def total(self) -> int:
        """Records that there are: all of the messages read, and as many in each that was passed over."""
        if not self.n_messages:
            return 0
        return self.n_records + round(self.n_records * self.n_skipped / self.n_messages)

    @property
    def is_whole(self) -> bool:
        """Whether nothing was passed over."""
        return not self.n_skipped

    def note(self, at_ms: int, n_records: int = 1) -> None:
        """A message with so many records, sent at that time."""
        self._first_ms = at_ms if self._first_ms is None else min(at_ms, self._first_ms)
        self.n_records += n_records
        self.n_messages += 1
        self._add(self._records, at_ms, n_records)
        self._add(self._messages, at_ms, 1)

    def note_skipped(self, n_messages: int, at_ms: int | None = None) -> None:
        """So many messages were passed over: now, or long ago."""
        self.n_skipped += n_messages
        if at_ms is not None:
            self._add(self._skipped, at_ms, n_messages)

    def scale(self, now_ms: int) -> float:
        """What counts of the last seconds are to be multiplied by, since some messages were passed over; at least 1."""
        read = self._lately(self._messages, now_ms)
        return 1 + self._lately(self._skipped, now_ms) / read if read else 1.0

    def seconds(self, now_ms: int) -> float:
        """Over how many seconds counts of the last seconds reach; at least 1."""
        first_ms = now_ms if self._first_ms is None else self._first_ms
        return min(max(now_ms - first_ms, 1000), WINDOW_MS) / 1000

    def per_s(self, now_ms: int, whole: "Flow | None" = None) -> float:
        """Records a second of late.

        Args:
            now_ms: Unix time.
            whole: The topic of which this is a part, and which knows what was passed over.
        """
        topic = whole or self
        return self._lately(self._records, now_ms) * topic.scale(now_ms) / topic.seconds(now_ms)

    def _add(self, counts: Counter[int], at_ms: int, n: int) -> None:
        counts[at_ms // 1000] += n
        if len(counts) > 2 * WINDOW_MS // 1000:
            del counts[min(counts)]

    def _lately(self, counts: Counter[int], now_ms: int) -> int:
        return sum(n for second, n in counts.items() if second >= (now_ms - WINDOW_MS) // 1000)
