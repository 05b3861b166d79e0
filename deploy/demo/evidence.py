"""What the topics say of a run, read by nobody but us: no service is asked what it did."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from streams.broker.log import LogReader, read_all
from streams.labels import n_sensor_windows
from streams.messages.codec import CONTENT_TYPE_HEADER, decode_many, split
from streams.messages.message import Message
from streams.messages.topic_names import TopicNames
from streams.models.channels import ChannelView
from streams.records import Binding, FollowerReport, Sample
from streams.settings import StreamSettings


@dataclass(slots=True, eq=False)
class Evidence:
    """What was read so far; records that came twice count once.

    `places` are partition and offset of each Binding's message, by the Binding's identity.
    """

    n_windows: int = 0
    n_rejects: int = 0
    reject_reasons: Counter[str] = field(default_factory=Counter)
    samples: dict[str, Sample] = field(default_factory=dict)
    bindings: dict[tuple[str, int], Binding] = field(default_factory=dict)
    places: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
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

    def take_window(self, message: Message) -> None:
        """A message of a windows topic."""
        self.n_windows += len(split(message.value, _content_type(message)))

    def take_reject(self, message: Message) -> None:
        """A message of `rejects`."""
        self.n_rejects += 1
        self.reject_reasons[dict(message.headers).get("mmbind.reject.reason", b"?").decode()] += 1

    def take_samples(self, message: Message) -> None:
        """A message of `samples`."""
        for sample in decode_many(message.value, Sample, _content_type(message)):
            self.samples.setdefault(sample.sample_id, sample)

    def take_bindings(self, message: Message) -> None:
        """A message of `pairs`."""
        for binding in decode_many(message.value, Binding, _content_type(message)):
            identity = (binding.sample_id, binding.round)
            self.bindings.setdefault(identity, binding)
            self.places.setdefault(identity, (message.partition, message.offset))

    def take_model(self, message: Message) -> None:
        """A message of `models`."""
        self.models.apply(message.key or b"", message.value, message.offset)

    def take_follower(self, message: Message) -> None:
        """A message of `followers`."""
        if message.value is not None:
            report = msgspec.json.decode(message.value, type=FollowerReport)
            self.followers[report.follower_id] = report


def read_evidence(settings: StreamSettings) -> Evidence:
    """Everything that the topics hold now.

    Raises:
        LogError: If a topic is not there or cannot be read in time.
    """
    found, names = Evidence(), TopicNames(settings.topics.prefix)
    windows = [(names.windows(modality), found.take_window) for modality in settings.modalities]
    for topic, take in (*windows, *_readers(found, names), (names.rejects, found.take_reject)):
        for message in read_all(settings.broker, topic):
            take(message)
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

    def _follow(self, topic: str, take: Callable[[Message], None]) -> None:
        with LogReader(self._settings.broker, topic) as reader:
            for message in reader.follow(self._stop):
                if message is not None:
                    take(message)


def _readers(found: Evidence, names: TopicNames) -> Iterable[tuple[str, Callable[[Message], None]]]:
    return (
        (names.samples, found.take_samples),
        (names.pairs, found.take_bindings),
        (names.models, found.take_model),
        (names.followers, found.take_follower),
    )


def _content_type(message: Message) -> str | None:
    value = dict(message.headers).get(CONTENT_TYPE_HEADER)
    return None if value is None else value.decode(errors="replace")
