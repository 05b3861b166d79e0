"""Records to bytes and back, msgpack or JSON, one or many in a message. Performs no I/O and judges no values.

Arrays travel in msgpack as a map of `shape` and `data` (little-endian float32), in JSON as nested lists of numbers;
either form is read in both. Unknown fields are ignored.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeVar

import msgspec

from streams.messages.arrays import array_from, array_to_lists, array_to_map
from streams.messages.rejects import InvalidRecord
from streams.records import SensorWindow

T = TypeVar("T")
Format: TypeAlias = Literal["msgpack", "json"]
MSGPACK_TYPE: Final = "application/msgpack"
JSON_TYPE: Final = "application/json"
CONTENT_TYPE_HEADER: Final = "content-type"
SCHEMA_HEADER: Final = "mmbind-schema"  # of all records of a message; one without it is of 1.0
MAX_RECORDS: Final = 10_000  # of a message; what we write ourselves keeps to it

_BOM = b"\xef\xbb\xbf"
_JSON_STARTS = b" \t\r\n{["
_MAP_STARTS = frozenset([*range(0x80, 0x90), 0xDE, 0xDF, ord("{")])  # of msgpack and JSON
_SPACE = re.compile(r"[ \t\r\n]*")
_FIELD = re.compile(r"(?:required field `|at `\$\.?)([A-Za-z_]\w*)?")
# All that decoders were seen to raise on hostile bytes: deep nesting, huge lengths and numbers, bad UTF-8, odd keys.
_UNDECODABLE = (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError, MemoryError)


class Limits(NamedTuple):
    """What a message may ask of its reader: what it holds is counted before memory is spent on it."""

    max_records: int = MAX_RECORDS
    max_bytes: int = 1 << 28


LIMITS: Final = Limits()


def encode(record: msgspec.Struct, form: Format = "msgpack") -> bytes:
    """One record as a message's value."""
    encoder = _JSON_ENCODER if form == "json" else _MSGPACK_ENCODER
    return encoder.encode(record)


def encode_batch(records: Sequence[msgspec.Struct], form: Format = "msgpack") -> bytes:
    """Any number of records as one message's value."""
    return _join([encode(record, form) for record in records], form)


def batches(records: Iterable[T], max_bytes: int, form: Format = "msgpack") -> Iterator[tuple[list[T], bytes]]:
    """Records in order, as few messages as fit: (records, value), at most MAX_RECORDS and `max_bytes` long.

    A record that is too long by itself comes alone, and longer than `max_bytes`.
    """
    taken: list[T] = []
    parts: list[bytes] = []
    size = _HEADER_BYTES
    for record in records:
        part = encode(record, form)  # type: ignore[arg-type]
        if parts and (size + len(part) + 1 > max_bytes or len(parts) == MAX_RECORDS):
            yield taken, _join(parts, form)
            taken, parts, size = [], [], _HEADER_BYTES
        taken.append(record)
        parts.append(part)
        size += len(part) + 1
    if parts:
        yield taken, _join(parts, form)


def split(value: bytes | None, content_type: str | None = None, limits: Limits = LIMITS) -> list[bytes]:
    """The raw bytes of each record in a message, as they came.

    `content_type` decides how they are read; without one that is known, the first byte does.

    Raises:
        InvalidRecord: If there is nothing, more than `limits` allow, no telling where a record ends, or none that
            could be one: every record is a map.
    """
    if not value:
        raise InvalidRecord("empty", "", "no bytes", "a record or an array of records")
    if len(value) > limits.max_bytes:
        raise InvalidRecord("too-large", "", f"{len(value)} bytes", f"a message of at most {limits.max_bytes}")
    if content_type is None and 0x80 <= value[0] <= 0x8F:  # the most frequent case: one msgpack map
        return [value]
    if wire_format(value, content_type) == "msgpack":
        if not _is_msgpack_array(value):
            return [value]
        _check_count(_array_length(value), limits)
        return _batch([bytes(raw) for raw in _guarded(_MSGPACK_SPLITTER, value)])
    text = value.removeprefix(_BOM).strip()
    if not text.startswith(b"["):
        return [value]
    try:
        raws = _guarded(_JSON_SPLITTER, text)
    except InvalidRecord:
        # Python's own json writes NaN, which JSON does not know: that must cost one record, not its neighbours.
        return _batch(_split_lenient(text, limits))
    _check_count(len(raws), limits)
    return _batch([bytes(raw) for raw in raws])


def wire_format(value: bytes, content_type: str | None = None) -> Format:
    """How a value is written."""
    named = (content_type or "").partition(";")[0].strip().lower()
    if named == JSON_TYPE or named.endswith("+json"):
        return "json"
    if named in (MSGPACK_TYPE, "application/x-msgpack", "application/vnd.msgpack"):
        return "msgpack"
    return "json" if value[:1] in _JSON_STARTS or value.startswith(_BOM) else "msgpack"


def decode(raw: bytes, kind: type[T]) -> T:
    """One record of the wanted kind.

    Raises:
        InvalidRecord: If the bytes are not such a record.
    """
    if raw[:1] not in _JSON_STARTS and not raw.startswith(_BOM):
        return _guarded(_msgpack_decoder(kind), raw)
    try:
        return _guarded(_json_decoder(kind), raw.removeprefix(_BOM))
    except InvalidRecord:
        return _decode_lenient(raw, kind)


def decode_window(raw: bytes) -> SensorWindow:
    """A window whose `values` are `[T, C]`, or whatever shape came: a flat list is one channel."""
    window = decode(raw, SensorWindow)
    if window.values.ndim == 1:
        return msgspec.structs.replace(window, values=window.values[:, None])
    return window


def decode_many(value: bytes | None, kind: type[T]) -> list[T]:
    """All records of a message that our own services wrote.

    Raises:
        InvalidRecord: If any of them is not of that kind.
    """
    return [decode(raw, kind) for raw in split(value)]


_HEADER_BYTES = 5


def _join(parts: Sequence[bytes], form: Format) -> bytes:
    if form == "json":
        return b"[" + b",".join(parts) + b"]"
    n = len(parts)
    if n < 16:
        header = bytes((0x90 | n,))
    else:
        header = b"\xdc" + n.to_bytes(2, "big") if n < 1 << 16 else b"\xdd" + n.to_bytes(4, "big")
    return header + b"".join(parts)


def _is_msgpack_array(value: bytes) -> bool:
    return 0x90 <= value[0] <= 0x9F or value[0] in (0xDC, 0xDD)


def _array_length(value: bytes) -> int:
    if value[0] <= 0x9F:
        return value[0] & 0x0F
    return int.from_bytes(value[1 : 3 if value[0] == 0xDC else 5], "big")


def _check_count(n_records: int, limits: Limits) -> None:
    if n_records > limits.max_records:
        raise InvalidRecord("too-large", "", f"an array of {n_records}", f"at most {limits.max_records} records")


def _batch(raws: list[bytes]) -> list[bytes]:
    """A batch, in which one that is no record costs only itself; where none is, the array is no batch at all."""
    if raws and not any(raw[0] in _MAP_STARTS for raw in raws):
        raise InvalidRecord("undecodable", "", f"an array of {len(raws)} without a record", "an array of records")
    return raws


def _guarded(decoder: msgspec.msgpack.Decoder[T] | msgspec.json.Decoder[T], raw: bytes) -> T:
    try:
        return decoder.decode(raw)
    except _UNDECODABLE as error:
        raise _undecodable(error) from error


def _undecodable(error: BaseException) -> InvalidRecord:
    found = _FIELD.search(str(error))
    return InvalidRecord("undecodable", (found and found.group(1)) or "", str(error) or type(error).__name__)


def _split_lenient(text: bytes, limits: Limits) -> list[bytes]:
    try:
        characters = text.decode()
        decoder = json.JSONDecoder()
        pieces: list[bytes] = []
        at = _skip_space(characters, 1)
        while characters[at : at + 1] != "]":
            _check_count(len(pieces) + 1, limits)
            _, end = decoder.raw_decode(characters, at)
            pieces.append(characters[at:end].encode())
            at = _skip_space(characters, end)
            if characters[at : at + 1] == ",":
                at = _skip_space(characters, at + 1)
            elif characters[at : at + 1] != "]":
                raise ValueError(f"after record {len(pieces) - 1}: got {characters[at : at + 10]!r}, wanted ',' or ']'")
        if at != len(characters) - 1:
            raise ValueError("something follows the array")
    except _UNDECODABLE as error:
        raise _undecodable(error) from error
    return pieces


def _skip_space(characters: str, at: int) -> int:
    found = _SPACE.match(characters, at)
    return found.end() if found else at


def _decode_lenient(raw: bytes, kind: type[T]) -> T:
    try:
        return msgspec.convert(json.loads(raw.removeprefix(_BOM)), kind, dec_hook=array_from)
    except _UNDECODABLE as error:
        raise _undecodable(error) from error


_MSGPACK_ENCODER = msgspec.msgpack.Encoder(enc_hook=array_to_map)
_JSON_ENCODER = msgspec.json.Encoder(enc_hook=array_to_lists)
_MSGPACK_SPLITTER = msgspec.msgpack.Decoder(list[msgspec.Raw])
_JSON_SPLITTER = msgspec.json.Decoder(list[msgspec.Raw])
_MSGPACK_DECODERS: dict[Any, msgspec.msgpack.Decoder[Any]] = {}
_JSON_DECODERS: dict[Any, msgspec.json.Decoder[Any]] = {}


def _msgpack_decoder(kind: type[T]) -> msgspec.msgpack.Decoder[T]:
    known = _MSGPACK_DECODERS.get(kind)
    return known or _MSGPACK_DECODERS.setdefault(kind, msgspec.msgpack.Decoder(kind, dec_hook=array_from))


def _json_decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    known = _JSON_DECODERS.get(kind)
    return known or _JSON_DECODERS.setdefault(kind, msgspec.json.Decoder(kind, dec_hook=array_from))
