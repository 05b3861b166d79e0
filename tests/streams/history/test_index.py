import numpy as np
import pytest

from streams.history.index import SegmentedIndex
from streams.settings import IndexSettings

DIM = 32
SMALL = IndexSettings(history_samples=1024, segment_samples=256)


def vectors(n: int, dim: int = DIM, seed: int = 0) -> np.ndarray:
    """Unit rows in clusters of low rank, as windows of real motions are."""
    rng = np.random.default_rng(seed)
    basis = np.random.default_rng(99).normal(size=(8, dim))
    rows = rng.normal(size=(n, 8)) @ basis + 0.3 * rng.normal(size=(n, dim))
    unit: np.ndarray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def sources(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.int32) % 7


def exact(index_vectors: np.ndarray, query: int, history: int) -> np.ndarray:
    """Rows of other sources within the history before a row, nearest first."""
    codes, rows = sources(len(index_vectors)), np.arange(len(index_vectors))
    allowed = (codes != codes[query]) & (rows < query) & (rows >= query - history)
    similarity = np.where(allowed, index_vectors @ index_vectors[query], -9)
    return np.argsort(-similarity)[: allowed.sum()]


def test_recall_stays_through_ten_turnovers_of_the_history() -> None:
    rows = vectors(11 * SMALL.history_samples)
    index = SegmentedIndex(DIM, SMALL)
    hits: list[bool] = []
    for start in range(0, len(rows), 64):
        part, codes = rows[start : start + 64], sources(len(rows))[start : start + 64]
        index.append(part, codes)
        index.drop_before(start + 64 - SMALL.history_samples)
        found, _ = index.search(part, 5, codes, np.arange(start, start + 64))
        for place in range(0, 64, 8):
            best = exact(rows, start + place, SMALL.history_samples)[:1]
            hits.append(found[place, 0] == (best[0] if len(best) else -1))
    index.close()
    turnovers = np.array_split(np.array(hits), 11)
    assert index.n_segments <= 5, "the old ones were dropped"
    assert min(one.mean() for one in turnovers) >= 0.98
    assert index.recall_trials > 30
    assert index.recall_hits / index.recall_trials >= 0.98


def test_the_flat_part_is_exact_to_the_last_neighbour() -> None:
    rows = vectors(500)
    index = SegmentedIndex(DIM, SMALL)
    index.append(rows, sources(500))
    found, similarity = index.search(rows[400:], 20, sources(500)[400:], np.arange(400, 500))
    for place in range(100):
        assert set(found[place]) == set(exact(rows, 400 + place, 1024)[:20])
    assert (np.diff(similarity, axis=1) <= 0).all()


def test_finds_only_earlier_rows_of_other_sources_within_the_history() -> None:
    rows = vectors(2000)
    index = SegmentedIndex(DIM, SMALL)
    index.append(rows, sources(2000))
    before = np.full(64, 1900)
    found, _ = index.search(rows[:64], 10, sources(64), before)
    index.close()
    assert (found % 7 != sources(64)[:, None]).all()
    assert found.max() < 1900 and found.min() >= 1900 - 1024


def test_a_source_that_fills_its_surroundings_still_finds_others() -> None:
    crowd = vectors(1, seed=5) + 0.01 * vectors(1024, seed=6)
    rows = (crowd / np.linalg.norm(crowd, axis=1, keepdims=True)).astype(np.float32)
    codes = np.where(np.arange(1024) % 50 == 0, 1, 0).astype(np.int32)
    index = SegmentedIndex(DIM, SMALL)
    index.append(rows, codes)
    found, _ = index.search(rows[-1:], 12, codes[-1:], np.array([1024]))
    index.close()
    assert (codes[found] == 1).all() and (found >= 0).all()


def test_says_minus_one_where_there_are_fewer() -> None:
    index = SegmentedIndex(DIM, SMALL)
    assert (index.search(vectors(1), 3, np.array([0]), np.array([0]))[0] == -1).all()
    index.append(vectors(2), np.array([0, 1], np.int32))
    found, similarity = index.search(vectors(1), 3, np.array([0]), np.array([2]))
    assert found.tolist() == [[1, -1, -1]]
    assert (similarity[0, 1:] == -2).all()


@pytest.mark.parametrize(
    "bad",
    [
        np.full((1, DIM), np.nan, np.float32),
        np.zeros((1, DIM), np.float32),
        vectors(1, DIM + 1),
        vectors(1).astype(np.float64),
        2 * vectors(1),
    ],
    ids=["not finite", "zero", "dimension", "type", "length"],
)
def test_refuses_what_a_graph_would_take_and_give_back(bad: np.ndarray) -> None:
    index = SegmentedIndex(DIM, SMALL)
    with pytest.raises(ValueError, match=r"wanted float32|unit length"):
        index.append(bad, np.zeros(1, np.int32))
    with pytest.raises(ValueError, match=r"wanted float32|unit length"):
        index.search(bad, 1, np.zeros(1, np.int32), np.zeros(1, np.int64))


def test_begins_only_where_a_segment_does() -> None:
    with pytest.raises(ValueError, match="multiple of 256"):
        SegmentedIndex(DIM, SMALL, first_row=100)
