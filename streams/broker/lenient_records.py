"""What lies in a topic, read whatever it is: the Kafka clients' own reading with its failures turned into messages.

kafka-python and aiokafka raise while they take a batch apart: on a header whose name is not UTF-8, on a batch that does
not decompress, on a codec that they lack. No code of ours has seen a message then, and after a restart the same batch
comes again. And what decompresses to more than the memory is decompressed all the same. `read_leniently` puts its own
reader where a client's fetcher looks up `MemoryRecords`; batches that the client can read are still read by it.

A message that was not as it should be carries a header of the name UNREADABLE that says why; it may then lack key and
value. For a batch that ends in the middle, one such message stands for the rest. A batch whose checksum is wrong stays
an error of the client: it may come whole the next time.
"""

import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeAlias

from streams.broker.decompression import decompressed
from streams.messages.message import UNREADABLE

MAX_BATCH_BYTES = 64 << 20  # of a compressed batch, once it is decompressed
# Base offset, length, leader epoch, magic, checksum, attributes, last offset's delta, first and last timestamp, the
# producer's id, epoch and sequence, number of records.
HEADER = struct.Struct(">qiibIhiqqqhii")
LOG_OVERHEAD, MAGIC_AT, ATTRIBUTES_AT = 12, 16, 21
CODEC_MASK, LOG_APPEND_TIME = 0x07, 0x08

Headers: TypeAlias = list[tuple[str, bytes | None]]
# Offset, timestamp in ms, timestamp type, key, value and headers to a record of the client's.
MakeRecord: TypeAlias = Callable[[int, int, int, bytes | None, bytes | None, Headers], Any]


def read_leniently(fetcher: Any, make_record: MakeRecord, max_batch_bytes: int = MAX_BATCH_BYTES) -> None:
    """Has a client read all that lies in a topic, in this process and from now on.

    Args:
        fetcher: The client's module in which its fetcher finds `MemoryRecords`.
        make_record: Makes a record as the client's own batches give them.
        max_batch_bytes: So much of a batch is decompressed.
    """
    native = fetcher.MemoryRecords
    if isinstance(native, _Reader):
        return
    fetcher.MemoryRecords = _Reader(native, make_record, max_batch_bytes)


class _Reader:
    """Stands in for a client's class MemoryRecords."""

    def __init__(self, native: Any, make_record: MakeRecord, max_batch_bytes: int) -> None:
        self.native, self.make_record, self.max_batch_bytes = native, make_record, max_batch_bytes

    def __call__(self, data: bytes | None) -> "_Records":
        return _Records(data or b"", self)


class _Records:
    """The batches of one answer of the broker; the last one may have come in part, and is left for the next answer."""

    def __init__(self, data: bytes, reader: _Reader) -> None:
        self._data, self._at, self._reader = data, 0, reader

    def size_in_bytes(self) -> int:
        return len(self._data)

    def has_next(self) -> bool:
        return self._end() is not None

    def next_batch(self) -> Any:
        end = self._end()
        if end is None:
            return None
        raw = bytes(self._data[self._at : end])
        self._at = end
        batch = self._reader.native(raw).next_batch()
        if raw[MAGIC_AT] < 2 or batch.is_control_batch:  # the older formats know no headers
            return batch
        return _Batch(raw, batch, self._reader)

    def _end(self) -> int | None:
        if len(self._data) - self._at < LOG_OVERHEAD:
            return None
        (length,) = struct.unpack_from(">i", self._data, self._at + 8)
        end = self._at + LOG_OVERHEAD + int(length)
        return end if end <= len(self._data) else None


class _Batch:
    """A batch of the client's that gives records whatever it holds."""

    def __init__(self, raw: bytes, native: Any, reader: _Reader) -> None:
        self._raw, self._native, self._reader = raw, native, reader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._native, name)

    def __iter__(self) -> Iterator[Any]:
        raw, why, max_bytes = self._raw, "", self._reader.max_batch_bytes
        if codec := raw[ATTRIBUTES_AT + 1] & CODEC_MASK:
            try:
                body, is_whole = decompressed(codec, raw[HEADER.size :], max_bytes)
            except Exception as error:  # each codec has exceptions of its own
                body, is_whole, why = b"", False, f"its batch cannot be decompressed: {error!r}"
            raw = _plain(raw, body)
            if not is_whole:
                why = why or f"its batch decompresses to more than {max_bytes} bytes"
        if not why:
            with suppress(Exception):  # each client has exceptions of its own; what was wrong is said below
                # All at once: whoever has taken half of a batch cannot begin again.
                return iter(list(self._reader.native(raw).next_batch()))
        return _parsed(raw, why, self._reader.make_record)


def _plain(raw: bytes, body: bytes) -> bytes:
    """A batch with the same header, not compressed; its checksum is no longer right."""
    header = bytearray(raw[: HEADER.size]) + body
    struct.pack_into(">i", header, 8, len(header) - LOG_OVERHEAD)
    header[ATTRIBUTES_AT + 1] &= ~CODEC_MASK
    return bytes(header)


def _parsed(raw: bytes, why: str, make_record: MakeRecord) -> Iterator[Any]:
    """The records of a batch that is not compressed, as far as they go, and one for all the others."""
    base, _, _, _, _, attributes, last_delta, first_ms, last_ms, *_, n_records = HEADER.unpack_from(raw)
    kind = int(bool(attributes & LOG_APPEND_TIME))
    at, delta = HEADER.size, -1
    for n_read in range(n_records):
        try:
            at, ms_delta, delta_read, key, value, headers = _record(raw, at)
            if not delta < delta_read <= last_delta:
                raise ValueError(f"offset {delta_read} after {delta}")
        except (IndexError, ValueError) as error:
            said = f"it and {n_records - n_read - 1} more: {why or f'no record where one should be: {error}'}"
            marked: Headers = [(UNREADABLE, said.encode())]
            yield make_record(
                base + min(delta + 1, last_delta), last_ms if kind else first_ms, kind, None, None, marked
            )
            return
        delta = delta_read
        yield make_record(base + delta, last_ms if kind else first_ms + ms_delta, kind, key, value, headers)


def _record(raw: bytes, at: int) -> tuple[int, int, int, bytes | None, bytes | None, Headers]:
    """Where the record ends; its timestamp's and offset's deltas, key, value and headers."""
    length, at = _varint(raw, at)
    end = at + length
    if not at < end <= len(raw):
        raise ValueError(f"{length} bytes wanted, {len(raw) - at} there")
    ms_delta, at = _varint(raw, at + 1)
    delta, at = _varint(raw, at)
    key, at = _bytes(raw, at, end)
    value, at = _bytes(raw, at, end)
    n_headers, at = _varint(raw, at)
    headers: Headers = []
    for _ in range(n_headers):
        name, at = _bytes(raw, at, end)
        content, at = _bytes(raw, at, end)
        headers.append(((name or b"").decode(errors="backslashreplace"), content))
        if headers[-1][0].encode() != name:
            headers.append((UNREADABLE, b"a header's name is no UTF-8: " + headers[-1][0].encode()[:100]))
    if at != end:
        raise ValueError(f"{end - at} bytes too many")
    return end, ms_delta, delta, key, value, headers


def _bytes(raw: bytes, at: int, end: int) -> tuple[bytes | None, int]:
    length, at = _varint(raw, at)
    if at + length > end:
        raise ValueError(f"{length} bytes wanted, {end - at} there")
    return (None, at) if length < 0 else (raw[at : at + length], at + length)


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = raw[at]
        number |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
