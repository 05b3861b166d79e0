"""The sources of the stream: what is known of each, and which of them are to be forgotten."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from deploy.errors import CommandError, WrongInput
from encoders.manifest import ModelManifest
from streams.broker.connection import connect_or_explain, producer_config
from streams.broker.log import LogReader
from streams.forgotten import ForgetRecord, Forgotten
from streams.messages.text import MAX_TEXT_BYTES, utf8
from streams.messages.topic_names import TopicNames
from streams.records import Sample
from streams.settings import StreamSettings

SEND_TIMEOUT_S = 30.0


@dataclass(slots=True)
class Source:
    """How many of its samples the log has, when the last of them began (ns since 1970), and whether it is held out."""

    n_samples: int = 0
    last_ns: int = 0
    is_held_out: bool = False


def known_sources(settings: StreamSettings) -> dict[str, Source]:
    """All sources of which `samples` holds something, by id.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If there is no such topic.
    """
    sources: dict[str, Source] = {}
    topic = TopicNames(settings.topics.prefix).samples
    with connect_or_explain(lambda: LogReader(settings.broker, topic), settings.broker) as reader:
        for message in reader.read():
            for sample in message.decoded(Sample)[0]:
                source = sources.setdefault(sample.source_id, Source())
                source.n_samples += 1
                source.last_ns = max(source.last_ns, sample.start_ns)
                source.is_held_out = sample.held_out
    return sources


def forgotten_sources(settings: StreamSettings) -> frozenset[str]:
    """Those that are forgotten.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If it does not answer.
    """
    forgotten = Forgotten(settings.broker, TopicNames(settings.topics.prefix).forgotten)
    try:
        return connect_or_explain(forgotten.poll, settings.broker)
    finally:
        forgotten.close()


def say_forgotten(settings: StreamSettings, source_id: str, at_ns: int, undo: bool) -> None:
    """Writes that a source is to be forgotten, or that it is not; the services follow within seconds.

    Raises:
        WrongInput: If the id is none that a source can have.
        BrokerUnreachable: If the broker cannot be used.
        CommandError: If the broker does not take it.
    """
    key = utf8(source_id)
    if not key or len(key) > MAX_TEXT_BYTES:
        raise WrongInput(f"source id {source_id!r}: wanted 1 to {MAX_TEXT_BYTES} bytes")
    names = TopicNames(settings.topics.prefix)
    value = None if undo else msgspec.msgpack.encode(ForgetRecord(source_id=source_id, at_ns=at_ns))
    # Looked for first: a broker that makes topics by itself would make one that is not compacted.
    connect_or_explain(lambda: LogReader(settings.broker, names.forgotten), settings.broker).close()
    producer = KafkaProducer(**producer_config(settings.broker))
    try:
        producer.send(names.forgotten, value, key).get(timeout=SEND_TIMEOUT_S)
    except KafkaError as error:
        raise CommandError(f"{names.forgotten}: the broker did not take it: {error}") from error
    finally:
        producer.close(timeout=SEND_TIMEOUT_S)


def versions_trained_on(manifests: Mapping[int, ModelManifest], source_id: str) -> list[int]:
    """The versions that say that they learned from the source."""
    return sorted(version for version, one in manifests.items() if source_id in one.trained_sources)


def listed(sources: Mapping[str, Source], forgotten: Iterable[str]) -> list[tuple[str, Source, bool]]:
    """Each source by its id, also those forgotten ones of which nothing is left; and whether it is forgotten."""
    gone = frozenset(forgotten)
    return [(name, sources.get(name, Source()), name in gone) for name in sorted(sources.keys() | gone)]
