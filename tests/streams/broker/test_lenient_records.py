"""What the clients raise on comes as a message that says so, and its neighbours come as they were."""

import gzip
import tracemalloc
from types import SimpleNamespace
from typing import Any, NamedTuple

import aiokafka.consumer.fetcher
import kafka.consumer.fetcher
import lz4.frame
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.codec import snappy_encode

from deploy.machine.brokers import Broker
from streams.broker.connection import client_config
from streams.broker.lenient_records import Headers, read_leniently
from streams.broker.log import read_all
from streams.messages.message import UNREADABLE
from streams.messages.rejects import InvalidRecord
from streams.settings import BrokerSettings
from streams.testing import SyntheticWorld
from streams.worker.faust_app import faust_app
from tests.support.batches import RawName, batch, record

COMPRESSED = {1: gzip.compress, 2: snappy_encode, 3: lz4.frame.compress, 4: zstandard.compress}
MIB = 1 << 20
CLIENTS = ("kafka-python", "aiokafka")


@pytest.fixture(autouse=True, scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> None:
    """As a service makes its clients."""
    client_config(BrokerSettings())
    world = SyntheticWorld(1).settings()
    runtime = world.runtime.model_copy(update={"data_dir": str(tmp_path_factory.mktemp("data"))})
    faust_app(world.model_copy(update={"runtime": runtime}), False, "mmbind.stream")


def read(client: str, *batches: bytes, first: int = 0) -> list[Any]:
    """What the client's fetcher gives of an answer of the broker."""
    if client == "aiokafka":
        found = aiokafka.consumer.fetcher
        tp = aiokafka.structs.TopicPartition("t", 0)
        records = found.MemoryRecords(b"".join(batches))
        return list(found.PartitionRecords(tp, records, None, first, None, None, True, found.READ_UNCOMMITTED))
    found = kafka.consumer.fetcher
    tp = kafka.structs.TopicPartition("t", 0)
    records = found.MemoryRecords(b"".join(batches))
    part = found.Fetcher.PartitionRecords(first, tp, records, check_crcs=True)
    return list(part.take(100_000))


class SimpleRecord(NamedTuple):
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def told(messages: list[Any]) -> list[tuple[int, bytes | None, str]]:
    """Offset, value and what is wrong with each."""
    return [(one.offset, one.value, dict(one.headers).get(UNREADABLE, b"").decode()) for one in messages]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("codec", [0, *COMPRESSED])
def test_a_good_batch_is_read_as_ever(client: str, codec: int) -> None:
    body = b"".join(record(i, b"%d" % i, headers=[(b"h", b"x"), (b"n", None)]) for i in range(3))
    found = read(client, batch(COMPRESSED.get(codec, bytes)(body), 3, base=7, codec=codec))
    assert told(found) == [(7, b"0", ""), (8, b"1", ""), (9, b"2", "")]
    assert [(one.key, one.timestamp, tuple(one.headers)) for one in found] == [
        (b"k", 1005, (("h", b"x"), ("n", None)))
    ] * 3


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("codec", [0, 1])
def test_a_header_name_that_is_no_utf8_marks_its_message_and_no_other(client: str, codec: int) -> None:
    body = record(0, b"a") + record(1, b"b", headers=[(b"\xff\xfe", b"x")]) + record(2, b"c")
    whole = batch(COMPRESSED.get(codec, bytes)(body), 3, codec=codec)
    found = read(client, whole, batch(record(0, b"d"), 1, base=3))
    why = r"a header's name is no UTF-8: \xff\xfe"
    assert told(found) == [(0, b"a", ""), (1, b"b", why), (2, b"c", ""), (3, b"d", "")]
    assert [one.offset for one in read(client, whole, first=2)] == [2] or client == "kafka-python"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("codec", [1, 2, 3, 4, 5, 7])
def test_a_batch_that_cannot_be_decompressed_is_one_message(client: str, codec: int) -> None:
    found = read(client, batch(b"no such thing", 5, base=10, codec=codec), batch(record(0, b"d"), 1, base=15))
    assert [one.offset for one in found] == [10, 15]
    assert told(found)[0][2].startswith("it and 4 more: its batch cannot be decompressed")


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("codec", [1, 3, 4])
def test_a_batch_cut_short_gives_nothing_for_something(client: str, codec: int) -> None:
    body = COMPRESSED[codec](b"".join(record(i, b"%d" % i * 1000) for i in range(4)))
    found = told(read(client, batch(body[: len(body) // 2], 4, codec=codec)))
    assert found[-1][1] is None
    assert "more" in found[-1][2]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("codec", [1, 3, 4])
def test_a_batch_that_decompresses_without_end_takes_bounded_memory(client: str, codec: int) -> None:
    package = {"aiokafka": aiokafka, "kafka-python": kafka}[client].record
    fetcher = SimpleNamespace(MemoryRecords=package.memory_records.MemoryRecords)
    read_leniently(fetcher, SimpleRecord, max_batch_bytes=2 * MIB)
    body = COMPRESSED[codec](record(0, b"a") + record(1, bytes(30 * MIB)) + record(2, b"c"))
    bomb = batch(body, 3, codec=codec)
    tracemalloc.start()
    found = told(list(fetcher.MemoryRecords(bomb).next_batch()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(offset, value) for offset, value, _ in found] == [(0, b"a"), (1, None)]
    assert found[1][2] == f"it and 1 more: its batch decompresses to more than {2 * MIB} bytes"
    assert peak < 10 * MIB


@pytest.mark.parametrize("client", CLIENTS)
def test_control_batches_and_halves_of_batches_stay_the_clients_own_affair(client: str) -> None:
    control = batch(record(0, b"\0\0\0\0\0\0", key=b"\0\0\0\0"), 1, base=1, is_control=True)
    cut = batch(record(0, b"z"), 1, base=3)[:-1]
    assert told(read(client, batch(record(0, b"a"), 1), control, batch(record(0, b"b"), 1, base=2), cut)) == [
        (0, b"a", ""),
        (2, b"b", ""),
    ]


@pytest.mark.parametrize("client", CLIENTS)
@given(body=st.binary(max_size=80), codec=st.integers(0, 7), n_records=st.integers(0, 2**31 - 1))
@settings(max_examples=150)
def test_any_bytes_in_a_batch_give_messages(client: str, body: bytes, codec: int, n_records: int) -> None:
    found = read(client, batch(record(0, b"a") + body, max(1, n_records), codec=codec))
    assert len(found) <= 100
    assert codec or found[0].value == b"a"


def test_a_log_with_a_bad_header_name_is_read_to_its_end(broker: Broker, prefix: str) -> None:
    settings = BrokerSettings(bootstrap_servers=broker.bootstrap_servers)
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    admin.create_topics({f"{prefix}t": {"num_partitions": 1, "replication_factor": 1}})
    admin.close()
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, linger_ms=50)
    producer.send(f"{prefix}t", b"first")
    producer.send(f"{prefix}t", b"second", headers=[(RawName(b"\xff\xfe"), b"x")])
    producer.send(f"{prefix}t", b"third")
    producer.flush()
    producer.close()

    found = read_all(settings, f"{prefix}t")

    assert [one.value for one in found] == [b"first", b"second", b"third"]
    with pytest.raises(InvalidRecord, match="no UTF-8"):
        found[1].records()
