"""What a fault is to the harness."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from tests.chaos.brokers import Kind
from tests.chaos.stage import GRACE_S, Stage


class Fault(ABC):
    """One kind of thing that goes wrong, played `n_strikes` times in a run at seeded moments.

    `name` is what the table calls it, `kinds` are the clusters on which it can be played, `n_kills` how many processes
    a strike kills, `n_workers` how many there must be, `cuts` the topics of which it deletes something, `grace_s`
    how long companions are waited for.
    """

    name: str
    kinds: tuple[Kind, ...] = ("embedded", "kafka")
    n_strikes: ClassVar[int] = 3
    grace_s: float = GRACE_S
    n_kills: ClassVar[int] = 0
    n_workers: ClassVar[int] = 1
    cuts: ClassVar[Literal["", "windows", "pairs"]] = ""

    @abstractmethod
    def strike(self, stage: Stage) -> float:
        """Plays it; when it ended, by the monotonic clock: what comes after that must flow again."""
