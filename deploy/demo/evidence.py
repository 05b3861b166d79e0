"""What the topics say of a run, read by nobody but us: no service is asked what it did."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from streams.broker.log import LogReader, read_all
from streams.labels import n_sensor_windows
from streams.messages.codec import decode
from streams.messages.message import Message
from streams.messages.topic_names import TopicNames
from streams.models.channels import ChannelView
from streams.records import Binding, FollowerReport, Sample
from streams.settings import StreamSettings


@dataclass(slots=True, eq=False)
class Evidence:
    """What was read so far; records that came twice count once."""

    n_windows: int = 0
    n_rejects: int = 0
    samples: dict[str, Sample] = field(default_factory=dict)
    bindings: dict[tuple[str, int], Binding] = field(default_factory=dict)
    models: ChannelView = field(default_factory=ChannelView)
    followers: dict[str, FollowerReport] = field(default_factory=dict)

    @property
    def windows_lost(self) -> int:
        """Windows that were written and are neither in a sample nor in `rejects`."""
        return self.n_windows - self.n_rejects - sum(map(n_sensor_windows, self.samples.values()))

    @property
    def n_bound(self) -> int:
        """Samples that have a Binding, of whichever round."""
        return len({sample_id for sample_id, _ in list(self.bindings)})

    @property
    def versions(self) -> dict[str, int]:
        """The version that each follower says it runs."""
        return {name: report.version for name, report in dict(self.followers).items()}

    def all_run_the_last(self, channel: str) -> bool:
        """Whether two followers or more, and no other, run the last version that passed the gate.

        Its decision is written before the channel moves to it: until then all still agree on the version before.
        """
        last = max((version for version, one in dict(self.models.decisions).items() if one.passed), default=0)
        versions = list(self.versions.values())
        return (self.models.current(channel) or 0) == last and len(versions) >= 2 and set(versions) == {last}

    @property
    def in_order(self) -> list[Binding]:
        """Bindings, each worker's in the order in which it made them."""
        return sorted(self.bindings.values(), key=lambda one: (one.worker, one.sequence, one.round))

    def count_windows(self, message: Message) -> None:
        """Of a message of a windows topic."""
        self.n_windows += len(message.records())

    def count_reject(self, message: Message) -> None:
        """A message of `rejects` is one of them."""
        self.n_rejects += 1

    def keep_samples(self, message: Message) -> None:
        """Of a message of `samples`; raises InvalidRecord if one is none."""
        for raw in message.records():
            sample = decode(raw, Sample)
            self.samples.setdefault(sample.sample_id, sample)

    def keep_bindings(self, message: Message) -> None:
        """Of a message of `pairs`; raises InvalidRecord if one is none."""
        for raw in message.records():
            binding = decode(raw, Binding)
            self.bindings.setdefault((binding.sample_id, binding.round), binding)

    def apply_model(self, message: Message) -> None:
        """A message of `models` changes what is known of versions and channels."""
        self.models.apply(message.key or b"", message.value, message.offset)

    def keep_report(self, message: Message) -> None:
        """The last one of each follower, of messages of `followers`."""
        if message.value is not None:
            report = msgspec.json.decode(message.value, type=FollowerReport)
            self.followers[report.follower_id] = report


def read_evidence(settings: StreamSettings) -> Evidence:
    """Everything that the topics hold now.

    Raises:
        LogError: If a topic is not there or cannot be read in time.
    """
    found, names = Evidence(), TopicNames(settings.topics.prefix)
    windows = [(names.windows(modality), found.count_windows) for modality in settings.modalities]
    for topic, keep in (*windows, *_readers(found, names), (names.rejects, found.count_reject)):
        for message in read_all(settings.broker, topic):
            keep(message)
    return found


class Observer:
    """Reads the topics that the services write, while they do; `evidence` grows as it reads.

    A topic that cannot be read any more ends its reading silently: what counts is read again at the end.
    """

    def __init__(self, settings: StreamSettings) -> None:
        self.evidence = Evidence()
        self._settings = settings
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._follow, args=reader, name=f"observer-{reader[0]}", daemon=True)
            for reader in _readers(self.evidence, TopicNames(settings.topics.prefix))
        ]

    def __enter__(self) -> "Observer":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=5)

    def _follow(self, topic: str, keep: Callable[[Message], None]) -> None:
        with LogReader(self._settings.broker, topic) as reader:
            for message in reader.follow(self._stop):
                if message is not None:
                    keep(message)


def _readers(found: Evidence, names: TopicNames) -> Iterable[tuple[str, Callable[[Message], None]]]:
    return (
        (names.samples, found.keep_samples),
        (names.pairs, found.keep_bindings),
        (names.models, found.apply_model),
        (names.followers, found.keep_report),
    )
