"""The generation that was swapped out last, for a model that is gone back to. Performs no I/O, reads no clock."""

from streams.arrival.generation import Generation
from streams.settings import DescriptorKind


class HeldGeneration:
    """Holds one generation at most, which takes no rows meanwhile.

    What is held depends on the rows and the swaps alone.

    Args:
        most_bytes: A larger one is let go of at once.
    """

    def __init__(self, most_bytes: float) -> None:
        self._most_bytes = most_bytes
        self._generation: Generation | None = None

    @property
    def n_bytes(self) -> int:
        """Memory of what is held; 0 for nothing."""
        return self._generation.n_bytes if self._generation else 0

    def hold(self, retired: Generation) -> None:
        """Holds that one if it fits, and in any case no other."""
        self._let_go()
        self._generation = retired
        if retired.n_bytes > self._most_bytes:
            self._let_go()

    def take(self, version: int, descriptor: DescriptorKind) -> Generation | None:
        """Gives the one that is held away, if it is that model's and compares windows in that way."""
        held = self._generation
        if held is None or (held.version, held.descriptor) != (version, descriptor):
            return None
        self._generation = None
        return held

    def forget_before(self, first_row: int) -> None:
        """Lets go of one that lacks a row before `first_row`, the first that can still be had."""
        if self._generation is not None and self._generation.n_rows < first_row:
            self._let_go()

    def _let_go(self) -> None:
        if self._generation is not None:
            self._generation.index.close()
            self._generation = None
