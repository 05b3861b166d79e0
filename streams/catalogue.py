"""Which modalities there are, in a compacted topic by their names, so that who sends needs no settings.

Written wherever the topics are made; a tombstone takes a modality back.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from encoders.modality import ModalitySpec
from streams.broker.connection import connect_or_explain, producer_config
from streams.broker.log import LogError, LogReader, TopicMissing
from streams.messages.topic_names import TopicNames

if TYPE_CHECKING:  # a sensor's program has no pydantic
    from streams.settings import BrokerSettings, StreamSettings

log = logging.getLogger(__name__)

ANSWER_S = 10.0


class KnownModality(msgspec.Struct, frozen=True, kw_only=True):
    """A value of the topic, in JSON: what windows of a modality are, and how far apart those of one node start."""

    spec: ModalitySpec
    hop_s: float


def modalities_of(settings: "StreamSettings") -> dict[str, KnownModality]:
    """The modalities of the settings by name."""
    hop_s = settings.ingest.hop_s
    return {name: KnownModality(spec=spec, hop_s=hop_s) for name, spec in settings.sensors.items()}


def read_catalogue(broker: "BrokerSettings", prefix: str) -> dict[str, KnownModality]:
    """The modalities that the topic tells, by name. What is no such record is left out, with a line in the log.

    Raises:
        LogError: If the topic cannot be read; TopicMissing if it is not there.
    """
    topic = TopicNames(prefix).modalities
    known: dict[str, KnownModality] = {}
    try:
        with LogReader(broker, topic, timeout_s=ANSWER_S) as reader:
            for message in reader.read():
                name = (message.key or b"").decode(errors="replace")
                known.pop(name, None)
                if message.value is not None and (told := _told(name, message.value)):
                    known[name] = told
    except TopicMissing as error:
        raise TopicMissing(f"the broker has no topic {topic}: `mmbind topics create` makes it") from error
    return known


def catalogue_changes(
    known: Mapping[str, KnownModality], wanted: Mapping[str, KnownModality]
) -> dict[str, KnownModality | None]:
    """What must be written to the topic, by name; None where a modality is no more."""
    changed: dict[str, KnownModality | None] = {name: one for name, one in wanted.items() if known.get(name) != one}
    return changed | dict.fromkeys(known.keys() - wanted.keys())


def write_catalogue(settings: "StreamSettings") -> list[str]:
    """Has the topic tell the modalities of the settings; the names of those that it told otherwise.

    Raises:
        BrokerUnreachable: Saying which step of the connection failed.
        LogError: If the topic cannot be read, or the broker does not take a record.
    """
    broker, prefix = settings.broker, settings.topics.prefix
    changes = catalogue_changes(read_catalogue(broker, prefix), modalities_of(settings))
    if not changes:
        return []
    topic = TopicNames(prefix).modalities
    # Not compressed: clients may lack the codec.
    config = producer_config(broker) | {"compression_type": None}
    producer = connect_or_explain(lambda: KafkaProducer(**config), broker)
    try:
        sent = [
            producer.send(topic, key=name.encode(), value=None if one is None else msgspec.json.encode(one))
            for name, one in changes.items()
        ]
        for future in sent:
            future.get(timeout=ANSWER_S)
    except KafkaError as error:
        raise LogError(f"{topic}: {type(error).__name__}: {error}") from error
    finally:
        producer.close()
    return sorted(changes)


def _told(name: str, value: bytes) -> KnownModality | None:
    try:
        told = msgspec.json.decode(value, type=KnownModality)
    except msgspec.MsgspecError as error:
        log.error("topic of modalities: the record of %r is none: %s", name, error)
        return None
    if told.spec.name != name or not 0 < told.hop_s < float("inf"):
        log.error("topic of modalities: the record of %r is of %r, hop_s %s", name, told.spec.name, told.hop_s)
        return None
    return told
