"""Which partition a key belongs to: murmur2, as Kafka's own client and kafka-python have it. Performs no I/O."""

_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995
_MASK = 0xFFFFFFFF


def partition_of(key: bytes, n_partitions: int) -> int:
    """The partition of a key among `n_partitions`."""
    return (murmur2(key) & 0x7FFFFFFF) % n_partitions


def murmur2(data: bytes) -> int:
    """The 32-bit hash, not negative.

    Source: org.apache.kafka.common.utils.Utils.murmur2.
    """
    hashed = _SEED ^ len(data)
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        part = (int.from_bytes(data[at : at + 4], "little") * _MULTIPLIER) & _MASK
        part = ((part ^ (part >> 24)) * _MULTIPLIER) & _MASK
        hashed = ((hashed * _MULTIPLIER) & _MASK) ^ part
    if whole < len(data):
        hashed = ((hashed ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER) & _MASK
    hashed = ((hashed ^ (hashed >> 13)) * _MULTIPLIER) & _MASK
    return hashed ^ (hashed >> 15)
