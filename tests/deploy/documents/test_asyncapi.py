"""The AsyncAPI document: of the specification's form, of all topics, and true of the records that travel."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import numpy as np
import pytest
from pydantic_asyncapi import AsyncAPI

from deploy.documents.asyncapi import CONTENTS, asyncapi, content_of
from deploy.settings.config import load
from encoders.scaling import fit_scaling
from streams.broker.topics import wanted_topics
from streams.messages.codec import JSON_TYPE, MSGPACK_TYPE, encode, encode_batch
from streams.records import Binding, LabelRecord, Partner, Sample, SampleLabel, SensorWindow
from streams.settings import BrokerSettings
from tests.support.models import bundle

ROOT = Path(__file__).parents[3]
SETTINGS = load(ROOT / "deploy" / "mmbind.example.toml")
VALUES = np.zeros((250, 3), np.float32)
RECORDS: list[msgspec.Struct] = [
    SensorWindow(source_id="a", modality="gravity", start_ns=1, values=VALUES, label="walking"),
    Sample(
        sample_id="a/1",
        source_id="a",
        start_ns=1,
        windows={"gravity": VALUES},
        scaling={"gravity": fit_scaling(VALUES[None])},
    ),
    Binding(
        sample_id="a/1",
        round=0,
        model_version=2,
        outcome="bound",
        partners=(Partner(sample_id="b/1", similarity=0.5, probability=1.0),),
    ),
    LabelRecord(source_id="a", start_ns=1, end_ns=2, label=3),
    SampleLabel(sample_id="a/1", source_id="a", start_ns=1, label="walking", probability=0.9),
    bundle(3).manifest,
]


def document() -> dict[str, Any]:
    return asyncapi(SETTINGS)


def complaint(record: msgspec.Struct | bytes, name: str) -> str:
    """What the document says against a message's JSON; empty where nothing."""
    told = document()
    schema = told["components"]["messages"][name]["payload"] | {"components": told["components"]}
    value = json.loads(record if isinstance(record, bytes) else encode(record, "json"))
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(value))
    return "; ".join(error.message for error in errors)


def test_it_is_of_the_form_that_the_specification_wants() -> None:
    told = AsyncAPI.model_validate(document()).root
    assert told.asyncapi == "3.0.0"
    with pytest.raises(ValueError, match="channels"):
        AsyncAPI.model_validate(document() | {"channels": {"a": {"address": 3, "messages": 4}}})


def test_all_topics_that_are_made_and_no_other_stand_in_it() -> None:
    channels = document()["channels"].values()
    assert {channel["address"] for channel in channels} == {topic.name for topic in wanted_topics(SETTINGS)}
    known = {name.removeprefix(SETTINGS.topics.prefix).partition(".")[0] for name in (c["address"] for c in channels)}
    assert known == set(CONTENTS), "a content without a topic"


def test_every_reference_leads_somewhere() -> None:
    told = document()

    def references(value: object) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if "$ref" in value else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    assert len(references(told)) > 20
    for reference in references(told):
        found: Any = told
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_records_as_they_travel_fit_their_schemas(record: msgspec.Struct) -> None:
    name = type(record).__name__
    assert complaint(record, name) == ""
    if document()["components"]["messages"][name]["contentType"] == MSGPACK_TYPE:
        assert complaint(encode_batch([record, record], "json"), name) == ""
    wrong = json.loads(encode(record, "json"))
    wrong[next(iter(wrong))] = {"of": "another type"}
    assert "not" in complaint(json.dumps(wrong).encode(), name)


def test_it_says_what_we_write_and_over_what(tmp_path: Path) -> None:
    messages = document()["components"]["messages"]
    assert messages["ModelManifest"]["contentType"] == JSON_TYPE
    assert messages["Binding"]["contentType"] == MSGPACK_TYPE
    assert content_of("windows.gravity").records == (SensorWindow,)
    assert document()["servers"]["kafka"] == {"host": "127.0.0.1:9092", "protocol": "kafka"}
    secure = BrokerSettings(bootstrap_servers="one:9093, two:9093", security_protocol="SASL_SSL")
    told = asyncapi(SETTINGS.model_copy(update={"broker": secure}))
    assert told["servers"]["kafka"] == {"host": "one:9093", "protocol": "kafka-secure"}
