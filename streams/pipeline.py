"""The core end to end, from sensor windows to Bindings. READ THIS FIRST. Performs no I/O and reads no clock.

What becomes of a window, and where::

    bytes of a message     codec        split into records, each decoded; a bad one costs itself only
      window               validation   known modality, shape, finite values, credible time, the message's own key
      window               intake       repetitions are refused; its source's scaling is brought up to date
      group of windows     assembly     all windows of one source in one slot, once they are there or cannot come
      Sample               intake       the group under an id that is the same in every run
      Binding              binder       partners in the history of other sources, or why there are none

Here all of this happens in one process, from recordings. In a worker the same parts stand on two sides of the topic
`samples`: `intake.messages` puts bytes, rejects and acknowledgements around intake, `binding` puts bytes and rejects
around the binder, and `worker` puts Kafka around the two. Models come back by `binder.use`, between two calls.

The law: what comes out depends on the order of the windows and on the moments of the swaps, not on how the stream is
cut into calls.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.binder import Binder
from streams.intake.recorded import RecordedIntake
from streams.records import Binding, Sample, SensorWindow
from streams.settings import StreamSettings

# Samples that are bound at once. Speed alone depends on it.
MICRO_BATCH = 64


class Bound(NamedTuple):
    """Samples that became complete, and the Bindings that this gave: theirs, and later rounds of earlier ones."""

    samples: list[Sample]
    bindings: list[Binding]

    @property
    def latest(self) -> list[tuple[Sample, Binding]]:
        """Each of these samples with the last of its Bindings."""
        last = {one.sample_id: one for one in self.bindings}
        return [(one, last[one.sample_id]) for one in self.samples]

    def __add__(self, other: "Bound") -> "Bound":  # type: ignore[override]
        return Bound(self.samples + other.samples, self.bindings + other.bindings)


class Pipeline:
    """Intake and binder in a row.

    The time is the stream's own: the latest start of a window so far. Windows should come in the order of their time,
    as recordings do.

    Example:
        >>> from streams.pipeline import Pipeline
        >>> from streams.testing import SyntheticWorld
        >>> world = SyntheticWorld(n_sources=6)  # recordings whose truth is known
        >>> pipeline = Pipeline(world.settings())
        >>> bound = pipeline.feed(world.windows(n_slots=20)) + pipeline.flush() + pipeline.review()
        >>> len(bound.samples), len(bound.bindings)  # some were asked again
        (120, 304)
        >>> sample, binding = bound.latest[-1]
        >>> sample.sample_id, binding.outcome, len(binding.partners)
        ('node-05@340000019', 'bound', 8)
        >>> binding.partners[0].sample_id, round(binding.partners[0].similarity, 1)
        ('node-04@340000002', 0.7)
    """

    def __init__(self, settings: StreamSettings, worker: str = "") -> None:
        self.binder = Binder(settings, worker)
        self._intake = RecordedIntake(settings)
        self._waiting: list[Sample] = []

    @property
    def refused(self) -> Counter[str]:
        """Windows that could not be used, by reason."""
        return self._intake.refused

    def feed(self, windows: Iterable[SensorWindow]) -> Bound:
        """Takes windows, gives the samples that they completed and the Bindings, each in order."""
        bound = Bound([], [])
        for window in windows:
            self._waiting += self._intake.completed_by(window)
            if len(self._waiting) >= MICRO_BATCH:
                bound += self._bind()
        return bound + self._bind()

    def flush(self) -> Bound:
        """Closes all slots: nothing more comes."""
        self._waiting += self._intake.flush()
        return self._bind()

    def bind(self, samples: Sequence[Sample]) -> Bound:
        """Binds samples that were assembled before, in the order in which a worker consumed them."""
        self._waiting += samples
        return self._bind()

    def review(self) -> Bound:
        """Asks the last samples again, with all that is known by now."""
        return Bound([], self.binder.review())

    def _bind(self) -> Bound:
        samples, self._waiting = self._waiting, []
        bindings = self.binder.observe(samples)
        known = {one.sample_id: one for one in reversed(samples)}
        return Bound([known[one.sample_id] for one in bindings if not one.round], bindings)
