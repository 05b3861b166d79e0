"""Samples of recordings in the units in which the stream has their nodes now."""

from collections.abc import Iterable

import msgspec

from encoders.scaling import Scaling
from streams.broker.connection import connect_or_explain
from streams.broker.log import read_all
from streams.messages.checked import checked_node_scaling
from streams.messages.scaling_key import owner_of
from streams.messages.topic_names import TopicNames
from streams.records import NodeScaling, Sample
from streams.settings import StreamSettings


def told_scalings(settings: StreamSettings) -> dict[tuple[str, str], Scaling]:
    """The newest scaling by source and modality, as the topic `scalings` has it.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If the topic is not there or cannot be read.
    """
    topic = TopicNames(settings.topics.prefix).scalings
    told: dict[tuple[str, str], Scaling] = {}
    for message in connect_or_explain(lambda: read_all(settings.broker, topic), settings.broker):
        if message.value is None:
            told.pop(owner_of(message.key), None)
            continue
        for one in message.decoded(NodeScaling, checked_node_scaling)[0]:
            told[one.source_id, one.modality] = one.scaling
    return told


def rescaled(samples: Iterable[Sample], told: dict[tuple[str, str], Scaling]) -> tuple[list[Sample], int]:
    """The samples with the scalings that were told of their sources, and of how many sources any was."""
    found, known = [], set()
    for sample in samples:
        own = {
            name: told[sample.source_id, name]
            for name, values in sample.windows.items()
            if (sample.source_id, name) in told and told[sample.source_id, name].center.shape == values.shape[1:]
        }
        found.append(msgspec.structs.replace(sample, scaling=sample.scaling | own))
        if own:
            known.add(sample.source_id)
    return found, len(known)
