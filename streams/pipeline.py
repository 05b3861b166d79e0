"""The core end to end, from sensor windows to Bindings. READ THIS FIRST. Performs no I/O and reads no clock.

What becomes of a window, and where::

    bytes of a message     codec        split into records, each decoded; a bad one costs itself only
      window               validation   known modality, shape, finite values, credible time, the message's own key
      window               intake       repetitions are refused; its source's scaling is brought up to date
      group of windows     assembly     all windows of one source in one slot, once they are there or cannot come
      Sample               intake       the group under an id that is the same in every run
      Binding              binder       partners in the history of other sources, or why there are none

Here all of this happens in one process, from recordings. In a worker the same parts stand on two sides of the topic
`samples`: `ingest` puts bytes, rejects and acknowledgements around `intake`, the shell puts Kafka around `ingest` and
`binder`. Models come back by `binder.begin_build` and `binder.swap`, between two calls.

The law: what comes out depends on the order of the windows and on the moments of the swaps, not on how the stream is
cut into calls.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from streams.assembly import Group, Place
from streams.binder import Binder
from streams.intake import Intake
from streams.records import Binding, Sample, SensorWindow
from streams.rejects import InvalidRecord
from streams.settings import StreamSettings

MICRO_BATCH = 64


class Pipeline:
    """Intake and binder in a row.

    The time is the stream's own: the latest start of a window so far. Windows should come in the order of their time,
    as recordings do.
    """

    def __init__(self, settings: StreamSettings, worker: str = "") -> None:
        shared = settings.shared_modality
        specs = settings.specs
        self.binder = Binder(specs[shared], shared, settings.binding, settings.index, worker, specs)
        self.refused: Counter[str] = Counter()
        self._intake = Intake(settings)
        self._now_ns = 0
        self._n_windows = 0
        self._waiting: list[Sample] = []

    def feed(self, windows: Iterable[SensorWindow]) -> list[tuple[Sample, Binding]]:
        """Takes windows, gives the samples that they completed with their Bindings, in order.

        Windows that cannot be used are counted by reason in `refused`.
        """
        bound: list[tuple[Sample, Binding]] = []
        for window in windows:
            self._waiting += [self._intake.sample(group) for group in self._take(window)]
            if len(self._waiting) >= MICRO_BATCH:
                bound += self._bind()
        return bound + self._bind()

    def flush(self) -> list[tuple[Sample, Binding]]:
        """Closes all slots: nothing more comes."""
        self._waiting += [self._intake.sample(group) for group in self._intake.flush()]
        return self._bind()

    def bind(self, samples: Sequence[Sample]) -> list[tuple[Sample, Binding]]:
        """Binds samples that were assembled before, in the order in which a worker consumed them."""
        self._waiting += samples
        return self._bind()

    def _take(self, window: SensorWindow) -> list[Group]:
        self._n_windows += 1
        place = Place(window.modality, 0, self._n_windows)
        self._now_ns = max(self._now_ns, window.start_ns)
        overdue = self._intake.tick(self._now_ns)
        try:
            groups = self._intake.take(window, window.modality, window.source_id.encode(), place, self._now_ns)
        except InvalidRecord as refusal:
            self.refused[refusal.reason] += 1
            return overdue
        return overdue + (groups or [])

    def _bind(self) -> list[tuple[Sample, Binding]]:
        samples, self._waiting = self._waiting, []
        bindings = {one.sample_id: one for one in self.binder.observe(samples)} if samples else {}
        return [(one, bindings.pop(one.sample_id)) for one in samples if one.sample_id in bindings]
