"""What services make of a fleet's windows: the samples and pairs that came since it began to send."""

from collections.abc import Collection
from contextlib import ExitStack

from deploy.demo.evidence import Evidence
from streams.broker.connection import connect_or_explain
from streams.broker.log import LogReader
from streams.messages.topic_names import TopicNames
from streams.records import Binding, Sample
from streams.settings import StreamSettings


class Answers:
    """Reads on from where the topics ended when it was made. A context manager.

    Args:
        settings: Which broker, and how topics are called.
        node_ids: Of the nodes whose samples are looked at.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If a topic is not there.
    """

    def __init__(self, settings: StreamSettings, node_ids: Collection[str]) -> None:
        names, self._found, self._node_ids = TopicNames(settings.topics.prefix), Evidence(), set(node_ids)
        keeps = {names.samples: self._found.keep_samples, names.pairs: self._found.keep_bindings}
        with ExitStack() as opened:
            readers = [opened.enter_context(_reader(settings, topic)) for topic in keeps]
            self._parts = [(reader, keep) for reader, keep in zip(readers, keeps.values(), strict=True)]
            self._next = [reader.ends() for reader in readers]
            self._opened = opened.pop_all()

    def read(self) -> int:
        """Reads up to the present ends; how many of the nodes' samples have an answer by now."""
        for place, (reader, keep) in enumerate(self._parts):
            ends = reader.ends()
            for message in reader.read(self._next[place], ends):
                keep(message)
            self._next[place] = ends
        return len({one.sample_id for one in self.bindings})

    @property
    def samples(self) -> dict[str, Sample]:
        """The nodes' samples by id."""
        return {name: one for name, one in self._found.samples.items() if one.source_id in self._node_ids}

    @property
    def bindings(self) -> list[Binding]:
        """Of these samples, in order."""
        own = self.samples
        return [one for one in self._found.in_order if one.sample_id in own]

    def __enter__(self) -> "Answers":
        return self

    def __exit__(self, *exception: object) -> None:
        self._opened.close()


def _reader(settings: StreamSettings, topic: str) -> LogReader:
    return connect_or_explain(lambda: LogReader(settings.broker, topic), settings.broker)
