"""Ids of samples by source, and which source has most. Performs no I/O."""

import heapq
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence


class SourceBook:
    """What a source has, oldest first; a change costs little, however many sources there are."""

    def __init__(self) -> None:
        self._ids: dict[str, list[str]] = {}
        self._names: list[str] = []
        # Size, negative, and name: those whose size has changed since are passed over.
        self._fullest: list[tuple[int, str]] = []

    @property
    def ids(self) -> Mapping[str, Sequence[str]]:
        """Ids by source, oldest first; no source without any."""
        return self._ids

    @property
    def names(self) -> Sequence[str]:
        """All sources in alphabetical order."""
        return self._names

    def place_of(self, source_id: str) -> int | None:
        """Where in `names` a source stands, None where it has nothing."""
        return bisect_left(self._names, source_id) if source_id in self._ids else None

    def add(self, source_id: str, sample_id: str) -> None:
        """The source's newest sample."""
        if source_id not in self._ids:
            insort(self._names, source_id)
        self._ids.setdefault(source_id, []).append(sample_id)
        self._note_size(source_id)

    def pop_oldest(self) -> str:
        """Takes out the oldest sample of the source that has most.

        Of sources with equally many, the first by name: the choice must not depend on how the book was filled.
        """
        while (largest := self._fullest[0]) and -largest[0] != len(self._ids.get(largest[1], ())):
            heapq.heappop(self._fullest)
        source_id = largest[1]
        oldest = self._ids[source_id].pop(0)
        if self._ids[source_id]:
            self._note_size(source_id)
        else:
            self.pop(source_id)
        return oldest

    def pop(self, source_id: str) -> Sequence[str]:
        """Takes out all that the source has."""
        del self._names[bisect_left(self._names, source_id)]
        return self._ids.pop(source_id)

    def _note_size(self, source_id: str) -> None:
        if len(self._fullest) > 4 * len(self._ids) + 64:
            self._fullest = [(-len(ids), name) for name, ids in self._ids.items()]
            heapq.heapify(self._fullest)
        else:
            heapq.heappush(self._fullest, (-len(self._ids[source_id]), source_id))
