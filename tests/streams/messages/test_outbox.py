"""Our partitioner is Kafka's."""

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner import murmur2

from streams.messages.outbox import partition_of


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
