"""`mmbind labels spread` and `send`: labels of a few samples, from a file or the topic, to all samples of the log."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from deploy.errors import CommandError
from deploy.labelling.topics import LabelProducer, bindings_of, labels_of, samples_of
from deploy.topics.sources import forgotten_sources
from streams.broker.connection import connect_or_explain
from streams.broker.log import LogReader
from streams.messages.message import Message
from streams.messages.topic_names import TopicNames
from streams.records import LabelRecord, SampleLabel
from streams.settings import StreamSettings
from trainer.labelling.fleet import Fleet


class Spread(NamedTuple):
    """The label of each sample, how many records said something, and how many older samples were left out."""

    labels: list[SampleLabel]
    n_records: int
    n_left_out: int

    @property
    def told(self) -> str:
        """How far they came, in a sentence."""
        known = [one for one in self.labels if one.label is not None]
        given = sum(one.given for one in known)
        said = [one.probability for one in known if one.probability is not None and not one.given]
        mean = f", mean probability {sum(said) / len(said):.2f}" if said else ""
        older = f"; {self.n_left_out} older ones were left out" if self.n_left_out else ""
        return (
            f"{len(self.labels)} samples: {given} labels were given, {len(known) - given} follow{mean}, "
            f"{len(self.labels) - len(known)} are not known{older}"
        )


def spread_labels(settings: StreamSettings, given: Sequence[LabelRecord] | None, min_probability: float) -> Spread:
    """Labels of the last `index.history_samples` samples of the log.

    Args:
        settings: Of the services.
        given: What somebody knows; None: what the topic of labels holds.
        min_probability: What is less probable is not known.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If a topic is not there.
        CommandError: If there is no sample, or no label of one that is there.
    """
    names = TopicNames(settings.topics.prefix)
    fleet = Fleet(settings.specs, settings.shared_modality, settings.index.history_samples)
    forgotten = forgotten_sources(settings)
    for message in _messages(settings, names.samples):
        fleet.take_samples(one for one in samples_of(message, settings) if one.source_id not in forgotten)
    if not len(fleet):
        raise CommandError(f"{names.samples}: no sample is there yet that could be labelled")
    for message in _messages(settings, names.pairs):
        fleet.take_bindings(bindings_of(message))
    n_records = _take_labels(settings, fleet, names.labels) if given is None else len(given)
    fleet.take_labels(given or ())
    if not fleet.given:
        whose = "that were given" if given is not None else f"of {names.labels}"
        raise CommandError(
            f"none of the {n_records} labels {whose} is of one of the {len(fleet)} samples of the log: wanted a "
            "sample_id, or a source_id and a time, as `mmbind tail samples --all` shows them"
        )
    return Spread(fleet.labels(min_probability), n_records, fleet.n_let_go)


def send_labels(settings: StreamSettings, labels: Sequence[LabelRecord]) -> None:
    """Writes labels to their topic.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If there is no such topic.
        CommandError: If the broker does not take them.
    """
    # Looked for first: a broker that makes topics by itself would make one with settings of its own.
    topic = TopicNames(settings.topics.prefix).labels
    connect_or_explain(lambda: LogReader(settings.broker, topic), settings.broker).close()
    with LabelProducer(settings) as producer:
        producer.send_labels(labels)


def _messages(settings: StreamSettings, topic: str) -> Iterator[Message]:
    with connect_or_explain(lambda: LogReader(settings.broker, topic), settings.broker) as reader:
        yield from reader.read()


def _take_labels(settings: StreamSettings, fleet: Fleet, topic: str) -> int:
    n_records = 0
    for message in _messages(settings, topic):
        records, _ = labels_of(message, settings.topics.rejects_max_bytes)
        fleet.take_labels(records, message.timestamp_ms)
        n_records += len(records)
    return n_records
