"""What is counted of the samples of a micro-batch."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streams.records import Binding


class BindCounts(NamedTuple):
    """What is counted of some messages of samples.

    `reasons` are those of the rejects; `similarities` the cosines of best partners, of first Bindings; `n_again` counts
    Bindings of later rounds; `seconds` by part.
    """

    outcomes: Mapping[str, int]
    similarities: Sequence[float]
    n_again: int
    reasons: Sequence[str]
    n_repeated: int
    seconds: Mapping[str, float]

    @classmethod
    def of(
        cls, bindings: Sequence[Binding], reasons: Sequence[str], n_repeated: int, seconds: Mapping[str, float]
    ) -> "BindCounts":
        """The counts of these Bindings, and what else there is to count."""
        first = [one for one in bindings if not one.round]
        return cls(
            Counter(one.outcome for one in first),
            [one.partners[0].similarity for one in first if one.partners],
            len(bindings) - len(first),
            reasons,
            n_repeated,
            seconds,
        )
