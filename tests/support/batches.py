"""Batches as they lie in a topic, made by hand: what no client would write."""

import struct
from collections.abc import Sequence

from crc32c import crc32c

HEADER = struct.Struct(">qiibIhiqqqhii")
AFTER_CHECKSUM = 21


def varint(number: int) -> bytes:
    left = (number << 1) ^ (number >> 63)
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([*out, left])


def field(content: bytes | None) -> bytes:
    return varint(-1) if content is None else varint(len(content)) + content


def record(
    delta: int, value: bytes | None, key: bytes | None = b"k", headers: Sequence[tuple[bytes, bytes | None]] = ()
) -> bytes:
    """One record of a batch, `delta` offsets after the batch's first."""
    told = b"".join(field(name) + field(content) for name, content in headers)
    body = b"\0" + varint(5) + varint(delta) + field(key) + field(value) + varint(len(headers)) + told
    return varint(len(body)) + body


def batch(body: bytes, n_records: int, base: int = 0, codec: int = 0, is_control: bool = False) -> bytes:
    """A batch of format 2 with a right checksum around whatever body."""
    attributes = codec | (0x20 if is_control else 0)
    header = bytearray(
        HEADER.pack(base, 49 + len(body), 0, 2, 0, attributes, n_records - 1, 1000, 2000, -1, -1, -1, n_records)
    )
    checksum = crc32c(bytes(header[AFTER_CHECKSUM:]) + body)
    struct.pack_into(">I", header, 17, checksum)
    return bytes(header) + body


class RawName(str):
    """A header's name that a client writes as these bytes."""

    def __new__(cls, raw: bytes) -> "RawName":
        made = super().__new__(cls, "raw")
        made.raw = raw
        return made

    raw: bytes

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return self.raw
