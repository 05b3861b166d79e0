"""The records of a topic, each as one line for people or as JSON."""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any, TypeAlias

import msgspec
import numpy as np

from streams.broker.connection import connect_or_explain
from streams.broker.log import LogReader
from streams.messages.codec import decode
from streams.messages.message import Message
from streams.messages.rejects import HEADER_PREFIX, InvalidRecord
from streams.messages.scaling_key import owner_of
from streams.messages.topic_names import TopicNames
from streams.records import Binding, LabelRecord, NodeScaling, Sample, SampleEmbedding, SampleLabel, SensorWindow
from streams.settings import StreamSettings

Kind: TypeAlias = str

DECODED: Mapping[Kind, Any] = {
    "pairs": Binding,
    "samples": Sample,
    "embeddings": SampleEmbedding,
    "scalings": NodeScaling,
    "labels": LabelRecord,
    "labelled": SampleLabel,
}
KINDS: tuple[Kind, ...] = (*DECODED, "rejects", "models", "followers")
SHOWN_PARTNERS = 3
SHOWN_NUMBERS = 4


def lines_of(
    settings: StreamSettings, kind: Kind, *, whole: bool, on: bool, n_records: int | None = None, as_json: bool = False
) -> Iterator[str]:
    """A line for each record of a topic, and at most `n_records`.

    Args:
        settings: Which broker, and how topics are called.
        kind: One of `kinds`.
        whole: From the topic's start up to its present end; else from there.
        on: Goes on from the present end as records come, without an end.
        n_records: At most so many; None = all.
        as_json: JSON instead of a line for people.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If there is no such topic.
    """
    topic = f"{TopicNames(settings.topics.prefix).prefix}{kind}"
    with connect_or_explain(lambda: LogReader(settings.broker, topic), settings.broker) as reader:
        ends = reader.ends()
        messages = chain(reader.read(ends=ends) if whole else (), reader.follow(threading.Event(), ends) if on else ())
        lines = (
            json.dumps(record, default=str) if as_json else as_line(kind, message, record)
            for message in messages
            if message
            for record in records_of(kind, message)
        )
        yield from islice(lines, n_records)


def kinds(modalities: Iterable[str]) -> list[Kind]:
    """What there is to see, where sensors have these modalities."""
    return [*KINDS, *(f"windows.{name}" for name in modalities)]


def records_of(kind: Kind, message: Message) -> list[dict[str, Any]]:
    """The records of a message as plain values; windows are told by their shape."""
    if kind == "rejects":
        headers = {name: (value or b"").decode(errors="replace") for name, value in message.headers}
        reasons = {name.removeprefix(HEADER_PREFIX): v for name, v in headers.items() if name.startswith(HEADER_PREFIX)}
        return [reasons | {"key": (message.key or b"").decode(errors="replace"), "n_bytes": len(message.value or b"")}]
    if kind in ("models", "followers"):
        key = (message.key or b"").decode(errors="replace")
        try:
            return [{"key": key, "value": None if message.value is None else msgspec.json.decode(message.value)}]
        except msgspec.MsgspecError as error:
            return [{"key": key, "undecodable": str(error)}]
    if kind == "scalings" and message.value is None:
        source_id, modality = owner_of(message.key)
        return [{"source_id": source_id, "modality": modality, "scaling": None}]
    try:
        found: list[Any] = [decode(raw, DECODED.get(kind, SensorWindow)) for raw in message.records()]
    except InvalidRecord as error:
        return [{"undecodable": error.detail}]
    as_plain = _numbers if kind in ("embeddings", "scalings") else _shape
    return [msgspec.to_builtins(one, enc_hook=as_plain) for one in found]


def as_line(kind: Kind, message: Message, record: dict[str, Any]) -> str:
    """One record for people."""
    time = datetime.fromtimestamp(message.timestamp_ms / 1000).strftime("%H:%M:%S")
    if "undecodable" in record:
        return f"{time}  {record['undecodable']}"
    if kind == "pairs":
        partners = "  ".join(
            f"{one['sample_id']} ({one['similarity']:.2f}, p {one['probability']:.2f})"
            for one in record["partners"][:SHOWN_PARTNERS]
        )
        more = len(record["partners"]) - SHOWN_PARTNERS
        return f"{time}  v{record['model_version']}  {record['sample_id']}  {record['outcome']}  {partners}" + (
            f"  and {more} more" if more > 0 else ""
        )
    if kind == "rejects":
        place = f"{record.get('topic')}[{record.get('partition')}]@{record.get('offset')}"
        return f"{time}  {record.get('reason')}  {place}, record {record.get('index')}: {record.get('detail')}"
    if kind in ("models", "followers"):
        text = json.dumps(record["value"])
        return f"{time}  {record['key']}  {text if len(text) < 200 else text[:197] + '...'}"
    if kind == "labels":
        whose = record.get("sample_id") or f"{record['source_id']} from {record['start_ns']} to {record['end_ns']}"
        return f"{time}  {whose}  {record.get('label', 'taken back')}"
    if kind == "labelled":
        known = f"{record['label']} ({record['probability']:.2f})" if "label" in record else "not known"
        return f"{time}  {record['sample_id']}  {known}{'  given' * record.get('given', False)}"
    if kind == "embeddings":
        made_of = "+".join(record["modalities"])
        return f"{time}  v{record['model_version']}  {record['sample_id']}  {made_of}  {_some(record['values'])}"
    if kind == "scalings":
        told = record["scaling"]
        text = f"center {_some(told['center'])}  scale {_some(told['scale'])}" if told else "taken back"
        return f"{time}  {record['source_id']}  {record['modality']}  {text}"
    if kind == "samples":
        windows = "  ".join(f"{name} {shape}" for name, shape in record["windows"].items())
        marks = "".join(f"  {name}" for name in ("held_out", "late") if record.get(name))
        return f"{time}  {record['sample_id']}  {windows}{marks}"
    return f"{time}  {record['source_id']}  {record['modality']}  {record['start_ns']}  {record['values']}"


def _some(values: Sequence[float]) -> str:
    """The first of some numbers."""
    more = f", ... {len(values)} in all" * (len(values) > SHOWN_NUMBERS)
    return ", ".join(f"{value:.3g}" for value in values[:SHOWN_NUMBERS]) + more


def _numbers(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [float(number) for number in value]
    raise NotImplementedError(f"a record holds {type(value).__name__}")


def _shape(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return "x".join(map(str, value.shape))
    raise NotImplementedError(f"a record holds {type(value).__name__}")
