"""Our partitioner is Kafka's."""

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner import murmur2 as kafkas

from streams.messages.partitioning import murmur2, partition_of


@given(st.binary(max_size=40))
def test_hashes_as_kafka_python_does(key: bytes) -> None:
    assert murmur2(key) == kafkas(key) & 0xFFFFFFFF


def test_hashes_as_kafkas_own_client_does() -> None:
    # From org.apache.kafka.common.utils.UtilsTest.
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    assert {key: murmur2(key) - (murmur2(key) >> 31 << 32) for key in known} == known


@given(st.binary(max_size=40), st.integers(1, 64))
def test_a_partition_exists(key: bytes, n_partitions: int) -> None:
    assert 0 <= partition_of(key, n_partitions) < n_partitions
