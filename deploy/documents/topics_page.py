"""The page of topics and formats. Performs no I/O."""

from typing import Any

from deploy.documents.asyncapi import asyncapi, content_of
from streams.settings import StreamSettings

HEAD = """\
# Topics and formats

Names are those of the settings of `mmbind config example`; [asyncapi.json](asyncapi.json) says the same for programs
(AsyncAPI 3.0). Both are made from the code, for your settings by `mmbind config document topics` and `... asyncapi`.

Sensors write msgpack or JSON: one record, or an array of records of one node and modality, at most
`topics.max_message_bytes` long. Arrays are nested lists of numbers in JSON, in msgpack a map of `shape` and `data`
(little-endian float32). The header `content-type` may say which it is, `mmbind-schema` of which release; unknown fields
are ignored. The partitioner is Kafka's own (murmur2 of the key): with librdkafka, `partitioner=murmur2_random`.

| topic | partitions | kept | key | what |
|---|---|---|---|---|
"""


def topics_page(settings: StreamSettings) -> str:
    """Markdown: a table of all topics, and one of each record's fields."""
    document = asyncapi(settings)
    rows = [_row(name, channel) for name, channel in document["channels"].items()]
    schemas = document["components"]["schemas"]
    parts = [HEAD + "".join(rows)]
    parts += [_record(name, schemas) for name in document["components"]["messages"] if name in schemas]
    return "\n".join(parts)


def _row(name: str, channel: dict[str, Any]) -> str:
    kafka, content = channel["bindings"]["kafka"], content_of(name)
    kept = ", ".join(kafka["topicConfiguration"]["cleanup.policy"])
    records = ", ".join(f"[{record.__name__}](#{record.__name__.lower()})" for record in content.records)
    said = f"{content.purpose} {records}".strip()
    return f"| `{channel['address']}` | {kafka['partitions']} | {kept} | {content.key} | {_cell(said)} |\n"


def _record(name: str, schemas: dict[str, Any]) -> str:
    schema = schemas[name]
    rows = [
        f"| `{field}` | {_type(one)} | {'yes' if field in schema.get('required', ()) else ''} |\n"
        for field, one in schema["properties"].items()
    ]
    said = " ".join(_cell(line) for line in schema.get("description", "").splitlines() if line.strip())
    return f"## {name}\n\n{said}\n\n| field | type | required |\n|---|---|---|\n{''.join(rows)}"


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    return str(schema.get("type", "any"))


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
