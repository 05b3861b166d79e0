"""The body of a compressed batch, and no more of it than is wanted. Performs no I/O.

One kilobyte may stand for a megabyte in gzip, for thirty in zstd: the clients' own functions make all of it. lz4 and
zstandard are imported where they are used: a sensor's program need not have them.
"""

import zlib
from collections.abc import Callable, Iterator

from kafka.codec import snappy_decode

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
PIECE_BYTES = 1 << 20


def decompressed(codec: int, data: bytes, max_bytes: int) -> tuple[bytes, bool]:
    """What `data` decompresses to, at most some `max_bytes` of it, and whether that is all.

    Snappy is made whole: it cannot grow by more than some twenty times.

    Raises:
        Exception: One of the library's own, if the data are not of that codec; ValueError if there is no such codec.
    """
    if codec == SNAPPY:
        return bytes(snappy_decode(data)), True
    pieces_of = _PIECES.get(codec)
    if pieces_of is None:
        raise ValueError(f"codec {codec} is unknown")
    pieces: list[bytes] = []
    size = 0
    for piece in pieces_of(data):
        pieces.append(piece)
        size += len(piece)
        if size > max_bytes:
            return b"".join(pieces)[:max_bytes], False
    return b"".join(pieces), True


def _gzip(data: bytes) -> Iterator[bytes]:
    while data:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            piece = member.decompress(data, PIECE_BYTES)
            data = member.unconsumed_tail
            if not piece and not member.eof:
                raise EOFError("the compressed data end too early")
            yield piece
        data = member.unused_data


def _lz4(data: bytes) -> Iterator[bytes]:
    import lz4.frame

    while data:
        frame = lz4.frame.LZ4FrameDecompressor()
        while not frame.eof:
            piece = frame.decompress(data, max_length=PIECE_BYTES)
            data = b""
            if not piece and not frame.eof and frame.needs_input:
                raise EOFError("the compressed data end too early")
            yield piece
        data = frame.unused_data or b""


def _zstd(data: bytes) -> Iterator[bytes]:
    import zstandard

    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
        while piece := reader.read(PIECE_BYTES):
            yield piece


_PIECES: dict[int, Callable[[bytes], Iterator[bytes]]] = {GZIP: _gzip, LZ4: _lz4, ZSTD: _zstd}
