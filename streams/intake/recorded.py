"""Windows of recordings to samples, by the stream's own time. Performs no I/O and reads no clock."""

from collections import Counter

from streams.intake.group import Group
from streams.intake.windows import Intake
from streams.messages.message import Place
from streams.messages.rejects import InvalidRecord
from streams.records import Sample, SensorWindow
from streams.settings import StreamSettings


class RecordedIntake:
    """The intake of windows that lie there already. They should come in the order of their time, as recordings do.

    The time is the latest start of a window so far. Windows that cannot be used are counted by reason in `refused`.
    """

    def __init__(self, settings: StreamSettings) -> None:
        self.refused: Counter[str] = Counter()
        # Recordings may count their time from their own beginning.
        ingest = settings.ingest.model_copy(update={"earliest_year": 1970})
        self._intake = Intake(settings.model_copy(update={"ingest": ingest}))
        self._now_ns = 0
        self._n_windows = 0

    def completed_by(self, window: SensorWindow) -> list[Sample]:
        """The samples that wait no longer, now that this window is there."""
        self._now_ns = max(self._now_ns, window.start_ns)
        self._n_windows += 1
        key, place = window.source_id.encode(), Place(window.modality, 0, self._n_windows)
        groups = self._intake.tick(self._now_ns)
        try:
            groups += self._intake.assemble(window, window.modality, key, place, self._now_ns) or []
        except InvalidRecord as refusal:
            self.refused[refusal.reason] += 1
        return self._samples(groups)

    def flush(self) -> list[Sample]:
        """Those that still waited: nothing more comes."""
        return self._samples(self._intake.flush())

    def _samples(self, groups: list[Group]) -> list[Sample]:
        return [self._intake.sample(group) for group in groups]
