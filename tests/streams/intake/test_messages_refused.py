"""A message that is refused as a whole is one reject, whatever it holds."""

import msgspec
import pytest

from streams.intake.messages import Ingest
from streams.messages.codec import SCHEMA_HEADER, encode, encode_batch
from streams.messages.message import UNREADABLE, Message
from streams.messages.outbox import Outbox
from streams.messages.rejects import Header
from streams.records import SensorWindow
from streams.settings import IngestSettings
from streams.testing import EPOCH_NS, SyntheticWorld

WORLD = SyntheticWorld(n_sources=4, n_complete=1, seed=3)
SETTINGS = WORLD.settings()
TOPIC = "mmbind.windows.acceleration"
LATER_NS = EPOCH_NS + 10**12


def window(slot: int = 0) -> SensorWindow:
    return WORLD.window(1, slot, "acceleration")


def message(value: bytes, offset: int, *headers: Header) -> Message:
    return Message(TOPIC, 0, offset, b"node-01", value, headers)


def test_a_message_that_is_no_batch_is_one_reject() -> None:
    value = b"\xdc\x27\x10" + b"\xc0" * 10_000
    ingest = Ingest(SETTINGS)
    emission = ingest.accept(message(value, 7), EPOCH_NS)
    assert [(one.reason, one.value) for one in emission.rejects] == [("undecodable", value)]
    assert ingest.resolved(emission) == {(TOPIC, 0): [7]}


def test_more_windows_in_a_message_than_are_allowed_are_one_reject() -> None:
    ingest = Ingest(WORLD.settings(ingest=IngestSettings(max_records=2)))
    three = encode_batch([window(slot) for slot in range(3)])
    assert [one.reason for one in ingest.accept(message(three, 0), LATER_NS).rejects] == ["too-large"]
    two = encode_batch([window(slot) for slot in range(2)])
    assert not ingest.accept(message(two, 1), LATER_NS).rejects


@pytest.mark.parametrize("schema", [b"1.0", b"1.7", b"1"])
def test_windows_of_an_older_or_later_minor_pass_on_what_is_known(schema: bytes) -> None:
    later = msgspec.msgpack.decode(encode(window())) | {"of_a_later_release": {"x": [1]}}
    emission = Ingest(SETTINGS).accept(message(msgspec.msgpack.encode(later), 0, (SCHEMA_HEADER, schema)), LATER_NS)
    assert not emission.rejects


@pytest.mark.parametrize("schema", [b"2.0", b"\xff", b"x"])
def test_windows_of_a_later_major_are_refused_with_what_to_do(schema: bytes) -> None:
    (reject,) = Ingest(SETTINGS).accept(message(encode(window()), 0, (SCHEMA_HEADER, schema)), LATER_NS).rejects
    assert (reject.reason, reject.value) == ("schema", encode(window()))
    assert b"schema" in dict(reject.headers)["mmbind.reject.detail"]


def test_what_we_write_names_its_schema() -> None:
    (written,) = Outbox(SETTINGS.topics).samples([next(WORLD.samples(1))])
    assert dict(written.headers)[SCHEMA_HEADER] == b"1.0"


def test_a_message_that_its_reader_marked_is_refused_with_what_it_held() -> None:
    marked = message(encode(window()), 5, (UNREADABLE, b"why"))
    (reject,) = Ingest(SETTINGS).accept(marked, EPOCH_NS).rejects
    assert (reject.reason, reject.value) == ("unreadable", encode(window()))
    assert dict(reject.headers)["mmbind.reject.detail"] == b"record: unreadable: why"
