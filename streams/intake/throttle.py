"""Which partitions are not to be read for a while, so that what waits for companions stays in bounds. No I/O."""

from collections.abc import Callable, Mapping, Set

ModalityPartition = tuple[str, int]


class Throttle:
    """Pauses a partition whose windows wait for those of another topic that has a backlog.

    Windows of topics that lag behind never wait, so what is ahead stops and what is behind is read.

    Args:
        given: Modality and partition of all that are read here.
        max_bytes: That waiting windows may take. Half of it is shared out: what was fetched before still comes.
    """

    def __init__(self, given: Set[ModalityPartition], max_bytes: int) -> None:
        self._given = given
        self._budget = max_bytes // 2 // max(1, len(given))
        self.paused: frozenset[ModalityPartition] = frozenset()

    def decide(
        self, waiting_bytes: Mapping[ModalityPartition, int], is_behind: Callable[[ModalityPartition], bool]
    ) -> None:
        """Brings `paused` up to date."""
        behind = {one for one in self._given if is_behind(one)}
        self.paused = frozenset(
            one
            for one in self._given
            if waiting_bytes.get(one, 0) > (self._budget // 2 if one in self.paused else self._budget)
            and any(other[1] == one[1] and other != one for other in behind)
        )

    def stuck(self, is_behind: Callable[[ModalityPartition], bool]) -> list[int]:
        """Partitions in which all that could bring companions are paused: only making room helps them."""
        partitions = {partition for _, partition in self.paused}
        return sorted(
            partition
            for partition in partitions
            if not any(one[1] == partition and is_behind(one) for one in self._given - self.paused)
        )

    def is_roomy(self, partition: int, waiting_bytes: Mapping[ModalityPartition, int]) -> bool:
        """Whether one of the partition's paused topics may be read on."""
        return any(waiting_bytes.get(one, 0) <= self._budget // 2 for one in self.paused if one[1] == partition)
