"""What is said, without labels, of how often binding is right. Pure."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

State: TypeAlias = Literal["estimated", "none", "unknown"]


@dataclass(frozen=True, slots=True)
class PrecisionEstimate:
    """The share of right best partners, `value` in `low`..`high` (95 %), from so many `queries`.

    "unknown": no two sources have another modality in common, too few samples came yet, or the other modality says too
    little. "none": partners agree no more than chance, so that binding is no better than none or cannot be judged.
    """

    state: State
    value: float | None = None
    low: float | None = None
    high: float | None = None
    queries: int = 0


class Control(NamedTuple):
    """Best partners beside random ones, which are scored and never emitted; NaN where unknown.

    `similarity` and `random_similarity` are mean cosines; `agreement` and `chance` the shares that agree by a modality
    which binds nobody.
    """

    similarity: float = float("nan")
    random_similarity: float = float("nan")
    agreement: float = float("nan")
    chance: float = float("nan")

    @property
    def margin(self) -> float:
        """How much more similar best partners are than random ones: next to 0 where binding finds nothing."""
        return self.similarity - self.random_similarity
