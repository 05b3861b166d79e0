"""Topics that lie there already, read in any order and at any pace: no sample of theirs is split."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from streams.intake.messages import Ingest
from streams.intake.read_marks import Fetched
from streams.messages.codec import encode
from streams.messages.message import Message
from streams.records import Sample
from streams.settings import StreamSettings
from streams.testing import NS_PER_S, SyntheticWorld

WORLD = SyntheticWorld(n_sources=6, n_complete=2, seed=3)
N_SLOTS = 8
NAMES = tuple(WORLD.specs)


class Backlog:
    """Topics with all windows of the world in one partition each, and a worker that reads them."""

    def __init__(self, settings: StreamSettings, now_ns: int) -> None:
        self.logs = {name: [one for one in WORLD.windows(N_SLOTS) if one.modality == name] for name in NAMES}
        self.read = dict.fromkeys(NAMES, 0)
        self.ingest = Ingest(settings, {(f"mmbind.windows.{name}", 0): 0 for name in NAMES})
        self.samples: list[Sample] = []
        self.now_ns = now_ns

    def take(self, name: str, n: int) -> None:
        if (f"mmbind.windows.{name}", 0) in self.ingest.paused:
            return
        for window in self.logs[name][self.read[name] : self.read[name] + n]:
            message = Message(f"mmbind.windows.{name}", 0, self.read[name], window.source_id.encode(), encode(window))
            self.samples += self.ingest.accept(message, self.now_ns).samples
            self.read[name] += 1

    def tick(self, seconds: float) -> None:
        self.now_ns += round(seconds * NS_PER_S)
        for name, log in self.logs.items():
            fetched = Fetched(end=len(log), position=self.read[name], at_ns=self.now_ns)
            self.ingest.marks.observe((f"mmbind.windows.{name}", 0), fetched, 0)
        self.samples += self.ingest.tick(self.now_ns).samples

    @property
    def is_read(self) -> bool:
        return all(self.read[name] == len(log) for name, log in self.logs.items())

    def n_split(self) -> int:
        """Samples too many, by source and time."""
        homes = Counter((one.source_id, one.start_ns) for one in self.samples)
        return sum(n - 1 for n in homes.values())


NOW_NS = max(one.start_ns for one in WORLD.windows(N_SLOTS)) + 3600 * NS_PER_S
STEPS = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 40), st.sampled_from([0.1, 1.0, 60.0])), max_size=40)


@given(STEPS)
def test_no_sample_is_split_and_no_window_lost_however_far_apart_topics_are_read(
    steps: list[tuple[str, int, float]],
) -> None:
    backlog = Backlog(WORLD.settings(), NOW_NS)
    for name, n, seconds in steps:
        backlog.take(name, n)
        backlog.tick(seconds)
    for name in NAMES:
        backlog.take(name, len(backlog.logs[name]))
        backlog.tick(1.0)
    backlog.tick(60.0)
    assert backlog.n_split() == 0
    assert sum(len(one.windows) for one in backlog.samples) == sum(len(log) for log in backlog.logs.values())
    assert not any(one.late for one in backlog.samples)


def test_what_runs_ahead_is_paused_and_no_sample_is_split_for_want_of_room() -> None:
    settings = WORLD.settings()
    settings = settings.model_copy(update={"ingest": settings.ingest.model_copy(update={"max_waiting_mb": 0.02})})
    backlog = Backlog(settings, NOW_NS)
    was_paused = False
    for _ in range(400):
        for name in NAMES:
            backlog.take(name, {"acceleration": 12, "gravity": 1, "gyroscope": 1}[name])
        backlog.tick(0.1)
        was_paused |= bool(backlog.ingest.paused)
    backlog.tick(60.0)
    assert backlog.is_read
    assert was_paused
    assert (backlog.n_split(), backlog.ingest.n_forced) == (0, 0)
