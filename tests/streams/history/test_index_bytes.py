"""What an index says of its memory, beside what was allocated."""

import ctypes

import numpy as np
import pytest

from streams.history.index import SegmentedIndex
from streams.settings import IndexSettings

FIELDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
LIBC = ctypes.CDLL(None)


class Allocated(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _fields_ = [(name, ctypes.c_size_t) for name in FIELDS.split()]


def n_allocated() -> int:
    """The bytes that this thread has of `malloc`."""
    LIBC.mallinfo2.restype = Allocated
    now = LIBC.mallinfo2()
    return int(now.uordblks + now.hblkhd)


def vectors_of(n: int, dim: int) -> np.ndarray:
    vectors = np.random.default_rng(0).normal(size=(n, dim)).astype(np.float32)
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


@pytest.mark.skipif(not hasattr(LIBC, "mallinfo2"), reason="the C library does not say what it allocated")
@pytest.mark.parametrize(("n_rows", "dim", "links"), [(512, 64, 16), (2048, 200, 16), (2048, 32, 48)])
def test_a_graph_has_the_bytes_that_were_allocated_for_it(n_rows: int, dim: int, links: int) -> None:
    settings = IndexSettings(history_samples=2 * n_rows, segment_samples=n_rows, M=links)
    index, vectors = SegmentedIndex(dim, settings), vectors_of(n_rows, dim)
    before = n_allocated()
    nearest = index._build_graph(vectors)
    allocated = n_allocated() - before
    nearest(vectors[:1], 1)
    assert index._graph_bytes == pytest.approx(allocated, rel=0.02)


def test_a_segment_that_fills_has_no_graph_yet_and_the_graph_counts_from_the_row_that_fills_it() -> None:
    settings = IndexSettings(history_samples=512, segment_samples=128)
    index, vectors = SegmentedIndex(16, settings), vectors_of(128, 16)
    assert index.n_bytes == 0
    index.append(vectors[:127], np.arange(127))
    flat = index.n_bytes
    assert flat == 128 * (4 * 16 + 4) + 127 * 8 * 8  # vectors, sources, places of 127 sources
    index.append(vectors[127:], np.zeros(1, np.int64))
    assert index.n_bytes == flat + index._graph_bytes
