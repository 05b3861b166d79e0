"""What became of a stream: how many best partners are right, on arrival and in the latest answer. Reads no clock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.orders.streams import BURST
from streams.binder import Binder
from streams.records import Binding, Sample
from streams.settings import StreamSettings

# As many as a busy worker takes at once.
SAMPLES_AT_A_TIME = 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """`arrival` and `final`: shares of best partners that are right; `alone`: samples bound once and alone after."""

    arrival: float
    final: float
    bound_on_arrival: float
    bound: float
    alone_after_bound: int
    alone_after_burst: int
    estimate: float | None
    low: float | None
    high: float | None
    bindings_a_sample: float

    @property
    def final_over_arrival(self) -> float:
        """At least 1 where asking again only improves."""
        return self.final / self.arrival

    def figures(self) -> dict[str, float | int | None]:
        """All of it."""
        return {**asdict(self), "final_over_arrival": self.final_over_arrival}


def follow(samples: Sequence[Sample], settings: StreamSettings) -> Outcome:
    """Streams the samples through a binder without a model; labels are looked at afterwards."""
    binder = Binder(settings)
    sent: list[Binding] = []
    for start in range(0, len(samples), SAMPLES_AT_A_TIME):
        sent += binder.observe(samples[start : start + SAMPLES_AT_A_TIME])
    sent += binder.review()
    known = {one.sample_id: one for one in samples}
    first = {one.sample_id: one for one in sent if not one.round}
    latest = {one.sample_id: one for one in sent}
    left = [name for name, one in latest.items() if not one.partners]
    estimate = binder.estimate
    return Outcome(
        arrival=_right(first.values(), known),
        final=_right(latest.values(), known),
        bound_on_arrival=float(np.mean([bool(one.partners) for one in first.values()])),
        bound=1 - len(left) / len(latest),
        alone_after_bound=sum(bool(first[name].partners) for name in left),
        alone_after_burst=sum(known[name].source_id == BURST for name in left),
        estimate=estimate.value,
        low=estimate.low,
        high=estimate.high,
        bindings_a_sample=len(sent) / len(samples),
    )


def _right(bindings: Iterable[Binding], known: Mapping[str, Sample]) -> float:
    best = [(known[one.sample_id], known[one.partners[0].sample_id]) for one in bindings if one.partners]
    return float(np.mean([own.label == other.label for own, other in best])) if best else float("nan")
