"""The harness's own reader, when all is over: what lies in the topics, and in which samples each window ended."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from streams.broker.log import read_all
from streams.messages.codec import decode_many
from streams.messages.message import Message
from streams.messages.rejects import HEADER_PREFIX
from streams.messages.topic_names import TopicNames
from streams.models.channels import ChannelView
from streams.records import Binding, Sample, SensorWindow
from streams.settings import BrokerSettings
from tests.chaos.sensors import TakenWindow, WindowKey


@dataclass(frozen=True)
class Reading:
    """All that the topics hold, each partition in its order, with the message that each record came in."""

    samples: list[tuple[Message, Sample]]
    bindings: list[tuple[Message, Binding]]
    rejects: list[Message]
    models: ChannelView

    @cached_property
    def sample_by_id(self) -> dict[str, Sample]:
        """The first of each id: what comes again after a crash is the same."""
        found: dict[str, Sample] = {}
        for _, sample in self.samples:
            found.setdefault(sample.sample_id, sample)
        return found

    @cached_property
    def rewritten(self) -> set[str]:
        """The ids of samples that were written again with other windows."""
        kept = self.sample_by_id
        return {one.sample_id for _, one in self.samples if one.windows.keys() != kept[one.sample_id].windows.keys()}

    @cached_property
    def homes(self) -> dict[WindowKey, set[str]]:
        """The ids of the samples that each window is in; companions start together, so that a sample's start is its."""
        found: dict[WindowKey, set[str]] = defaultdict(set)
        for sample in self.sample_by_id.values():
            for modality in sample.windows:
                found[sample.source_id, modality, sample.start_ns].add(sample.sample_id)
        return found

    @cached_property
    def reasons(self) -> Counter[str]:
        """How many rejects there are, by reason."""
        name = f"{HEADER_PREFIX}reason"
        return Counter(value.decode() for message in self.rejects for key, value in message.headers if key == name)

    @cached_property
    def rejected(self) -> set[WindowKey]:
        """Windows that were refused."""
        windows = [one for message in self.rejects for one in decode_many(message.value, SensorWindow)]
        return {(one.source_id, one.modality, one.start_ns) for one in windows}

    def told_of(self, key: WindowKey) -> list[str]:
        """Every record of a sample of that source and start, in the order of the log."""
        source, _, start_ns = key
        return [
            f"{m.partition}@{m.offset} {one.sample_id} {sorted(one.windows)}"
            for m, one in self.samples
            if (one.source_id, one.start_ns) == (source, start_ns)
        ]

    def changed(self, taken: Iterable[TakenWindow]) -> list[str]:
        """Windows whose values in a sample are not those that were sent."""
        found = []
        for one in taken:
            window = one.window
            for home in self.homes.get((window.source_id, window.modality, window.start_ns), ()):
                if self.sample_by_id[home].windows[window.modality].tobytes() != window.values.tobytes():
                    found.append(window.identity)
        return found


def read_topics(broker: BrokerSettings, names: TopicNames) -> Reading:
    """Everything, read anew from the beginning."""
    samples = [(m, one) for m in read_all(broker, names.samples) for one in decode_many(m.value, Sample)]
    bindings = [(m, one) for m in read_all(broker, names.pairs) for one in decode_many(m.value, Binding)]
    return Reading(
        sorted(samples, key=lambda placed: (placed[0].partition, placed[0].offset)),
        sorted(bindings, key=lambda placed: (placed[0].partition, placed[0].offset)),
        read_all(broker, names.rejects),
        read_models(broker, names),
    )


def read_models(broker: BrokerSettings, names: TopicNames) -> ChannelView:
    """The state of all models and channels."""
    view = ChannelView()
    for message in read_all(broker, names.models):
        view.apply(message.key or b"", message.value, message.offset)
    return view
