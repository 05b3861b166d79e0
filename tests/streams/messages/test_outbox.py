"""Our partitioner is Kafka's."""

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner import murmur2

from streams.messages.codec import decode_many
from streams.messages.outbox import Outbox, partition_of
from streams.records import Binding
from streams.settings import TopicSettings


def test_a_key_lies_where_kafkas_own_client_puts_it() -> None:
    # From org.apache.kafka.common.utils.UtilsTest: signed hashes, which DefaultPartitioner makes positive by a mask.
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    assert {key: murmur2(key) - (murmur2(key) >> 31 << 32) for key in known} == known
    assert {key: partition_of(key, 7) for key in known} == {
        key: (value & 0x7FFFFFFF) % 7 for key, value in known.items()
    }


@given(st.binary(max_size=40), st.integers(1, 64))
def test_a_partition_exists(key: bytes, n_partitions: int) -> None:
    assert 0 <= partition_of(key, n_partitions) < n_partitions


def test_all_answers_to_a_sample_lie_in_one_partition_whoever_gave_them() -> None:
    homes: dict[str, set[int | None]] = {}
    outbox = Outbox(TopicSettings(pair_partitions=4))
    for worker in ("w-1", "w-2"):
        for number in range(2):
            answers = [
                Binding(sample_id=f"a@{i}", round=number, model_version=0, outcome="alone", worker=worker)
                for i in range(20)
            ]
            for message in outbox.bindings(answers):
                for one in decode_many(message.value, Binding):
                    homes.setdefault(one.sample_id, set()).add(message.partition)
    assert {len(partitions) for partitions in homes.values()} == {1}
    assert len(set.union(*homes.values())) == 4
