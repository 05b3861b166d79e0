"""The topics and their records as an AsyncAPI 3.0 document. Performs no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import msgspec
import numpy as np

from encoders.manifest import ModelManifest
from streams.broker.topics import Topic, wanted_topics
from streams.catalogue import KnownModality
from streams.messages.codec import CONTENT_TYPE_HEADER, JSON_TYPE, MSGPACK_TYPE, SCHEMA_HEADER
from streams.messages.rejects import reject_headers
from streams.records import (
    Binding,
    ChannelMove,
    Decision,
    FollowerReport,
    LabelRecord,
    NodeScaling,
    Sample,
    SampleEmbedding,
    SampleLabel,
    SensorWindow,
)
from streams.settings import BrokerSettings, StreamSettings

WINDOWS = "windows"
SCHEMAS = "#/components/schemas/{name}"
REJECT_HEADERS = tuple(name for name, _ in reject_headers("", 0, 0, 0, "", "", ""))
BATCH = "One record, or an array of records of one source and modality."


@dataclass(frozen=True, slots=True)
class Content:
    """What lies in a topic: what it is for, its records, what the key is, and the format that we write."""

    purpose: str
    records: tuple[type[msgspec.Struct], ...]
    key: str
    form: str = MSGPACK_TYPE


CONTENTS: Mapping[str, Content] = {
    WINDOWS: Content("Where the sensors of a modality write.", (SensorWindow,), "the node's id"),
    "samples": Content("Windows of one node at one time, assembled by a worker.", (Sample,), "the node's id"),
    "pairs": Content("What became of each sample: its partners, or why it has none.", (Binding,), "the sample's id"),
    "models": Content(
        "Published versions, the gate's word on each, and which version a channel is at.",
        (ModelManifest, Decision, ChannelMove),
        "version/<n>, decision/<n>, channel/<name>/<seq>/<uuid>",
        JSON_TYPE,
    ),
    "followers": Content(
        "Which version each follower runs, and how.", (FollowerReport,), "the follower's id", JSON_TYPE
    ),
    "labels": Content("What somebody knows of samples.", (LabelRecord,), "the source's or the sample's id"),
    "labelled": Content("Labels of all samples, as far as they are known.", (SampleLabel,), "the sample's id"),
    "embeddings": Content("The embedding of each sample, by a version.", (SampleEmbedding,), "the node's id"),
    "forgotten": Content("Sources whose windows are to be forgotten.", (), "the node's id", JSON_TYPE),
    "modalities": Content("Which modalities there are.", (KnownModality,), "the modality", JSON_TYPE),
    "scalings": Content("Each node's robust units, as the stream has them.", (NodeScaling,), "the node's id/modality"),
    "rejects": Content("What cannot be used, as it came; the reason stands in the headers.", (), "as it came", "any"),
}


def asyncapi(settings: StreamSettings) -> dict[str, Any]:
    """The document for an installation with these settings.

    What sensors may write is an operation to send to; all other topics may be read.
    """
    topics = {topic.name.removeprefix(settings.topics.prefix): topic for topic in wanted_topics(settings)}
    records = sorted(
        {record for content in CONTENTS.values() for record in content.records}, key=lambda one: one.__name__
    )
    _, schemas = msgspec.json.schema_components(records, schema_hook=_array_schema, ref_template=SCHEMAS)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "mmbind-stream",
            "version": version("mmbind-stream"),
            "description": "Incomplete multimodal sensor streams, bound and learned from. Arrays travel in msgpack as "
            "a map of `shape` and `data` (little-endian float32), in JSON as nested lists of numbers; either is read.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": MSGPACK_TYPE,
        "servers": {"kafka": _server(settings.broker)},
        "channels": {name: _channel(topic, content_of(name)) for name, topic in topics.items()},
        "operations": {_operation_name(name): _operation(name) for name in topics},
        "components": {
            "messages": {
                **{record.__name__: _message(record) for record in records},
                "Rejected": {"payload": {}, "headers": _text_headers(REJECT_HEADERS)},
            },
            "schemas": schemas,
        },
    }


def content_of(name: str) -> Content:
    """What lies in the topic of that name, without the prefix."""
    return CONTENTS[name.partition(".")[0]]


def _server(broker: BrokerSettings) -> dict[str, str]:
    first = broker.bootstrap_servers.split(",")[0].strip()
    secure = broker.security_protocol in ("SSL", "SASL_SSL")
    return {"host": first, "protocol": "kafka-secure" if secure else "kafka"}


def _channel(topic: Topic, content: Content) -> dict[str, Any]:
    names = [record.__name__ for record in content.records]
    if content.form == "any":
        names = ["Rejected"]
    return {
        "address": topic.name,
        "description": f"{content.purpose} The key: {content.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {"cleanup.policy": topic.cleanup_policy.split(",")},
            }
        },
    }


def _operation_name(name: str) -> str:
    return f"{'send' if name.startswith(WINDOWS) else 'read'}-{name}"


def _operation(name: str) -> dict[str, Any]:
    # Seen from the product: what sensors send is received here.
    action = "receive" if name.startswith(WINDOWS) else "send"
    return {"action": action, "channel": {"$ref": f"#/channels/{name}"}}


def _message(record: type[msgspec.Struct]) -> dict[str, Any]:
    form = next(content.form for content in CONTENTS.values() if record in content.records)
    one = {"$ref": SCHEMAS.format(name=record.__name__)}
    if form == JSON_TYPE:
        return {"contentType": form, "payload": one}
    payload = {"description": BATCH, "oneOf": [one, {"type": "array", "items": one}]}
    return {"contentType": form, "payload": payload, "headers": _text_headers((CONTENT_TYPE_HEADER, SCHEMA_HEADER))}


def _text_headers(names: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}}


def _array_schema(kind: type) -> dict[str, Any]:
    assert kind is np.ndarray, f"no record has a field of {kind}"
    return {"type": "array", "description": "Numbers, nested as deep as the array has axes; in msgpack shape and data."}
