"""What is counted of a version, and what its latest embeddings say."""

import numpy as np
import pytest

from streams.models.use import EVERY_S, KEPT_ROWS, LEAST_ROWS, RecentRows, Use, linear_cka, mean_cosine
from tests.support.following import unlike_windows


def unit_rows(n: int, dim: int = 8, seed: int = 0) -> np.ndarray:
    rows: np.ndarray = np.random.default_rng(seed).normal(size=(n, dim))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def test_counts_calls_errors_and_seconds() -> None:
    use = Use(3, since_ns=7)
    use.add(0.5, unlike_windows(2, 0), unit_rows(2))
    use.add(0.25, unlike_windows(2, 1), None)
    told = use.told()
    assert (told.version, told.since_ns, told.calls, told.errors, told.embed_s) == (3, 7, 2, 1, 0.75)
    assert told.mean_cosine is None, "of too few rows nothing is said"


def test_the_mean_cosine_is_of_all_pairs_of_rows() -> None:
    rows = unit_rows(40)
    expected = np.mean([rows[i] @ rows[j] for i in range(40) for j in range(40) if i != j])
    assert mean_cosine(rows) == pytest.approx(expected)
    use = Use(1, 0)
    for i in range(10):
        use.add(0.0, unlike_windows(4, i), rows[4 * i : 4 * i + 4])
    assert use.told().mean_cosine == pytest.approx(expected)


def test_embeddings_that_are_all_the_same_have_a_mean_cosine_of_1() -> None:
    use = Use(1, 0)
    for i in range(10):
        use.add(0.0, unlike_windows(4, i), np.repeat(unit_rows(1), 4, axis=0))
    assert use.told().mean_cosine == pytest.approx(1.0)


def test_the_same_window_counts_once_however_often_it_is_embedded() -> None:
    recent = RecentRows()
    for _ in range(100):
        recent.add(unlike_windows(4, 0), unit_rows(4))
    assert recent.matrices() == ()


def test_of_a_large_call_a_few_rows_are_taken_from_all_over_it() -> None:
    recent = RecentRows()
    rows = unit_rows(100)
    for i in range(8):
        recent.add(unlike_windows(100, i), rows)
    (found,) = recent.matrices()
    assert len(found) == 32
    np.testing.assert_allclose(found[:4], rows[[0, 33, 66, 99]])


def test_rows_of_quick_calls_reach_back_a_minute() -> None:
    now_s = [0.0]
    recent = RecentRows(lambda: now_s[0])
    for i in range(KEPT_ROWS // 4):
        recent.add(unlike_windows(4, i), np.full((4, 2), i))
    for i in range(1000, 2000):
        recent.add(unlike_windows(4, i), np.full((4, 2), i))
    (found,) = recent.matrices()
    assert found.max() < 1000, "within a second none is replaced"
    now_s[0] += EVERY_S
    recent.add(unlike_windows(4, 5000), np.full((4, 2), 5000))
    recent.add(unlike_windows(4, 5001), np.full((4, 2), 5001))
    (found,) = recent.matrices()
    assert (len(found), found.max(), (found == 5000).all(axis=1).sum()) == (KEPT_ROWS, 5000, 4)
    assert found.min() == 1, "the oldest ones go"


def test_cka_is_that_of_centred_gram_matrices() -> None:
    ours, theirs = unit_rows(50, 6), unit_rows(50, 9, seed=1)

    def centred_gram(rows: np.ndarray) -> np.ndarray:
        middle = np.eye(50) - 1 / 50
        return np.asarray(middle @ rows @ rows.T @ middle)

    k, l = centred_gram(ours), centred_gram(theirs)  # noqa: E741 - as in the paper
    expected = np.sum(k * l) / np.sqrt(np.sum(k * k) * np.sum(l * l))
    assert linear_cka(ours, theirs) == pytest.approx(expected)


def test_cka_does_not_mind_a_turned_space_and_hears_of_a_collapsed_one() -> None:
    rows = unit_rows(100) + 0.5
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(8, 8)))
    assert linear_cka(rows, rows @ turn + 3) == pytest.approx(1.0)
    assert linear_cka(rows, np.random.default_rng(0).permutation(rows)) < 0.2
    same = np.repeat(unit_rows(1).astype(np.float32).astype(np.float64), 100, axis=0)
    assert linear_cka(rows, same) == 0.0
    assert linear_cka(same, same) == 0.0


def test_rows_side_by_side_stay_of_the_same_windows() -> None:
    recent = RecentRows()
    for i in range(LEAST_ROWS):
        recent.add(unlike_windows(1, i), np.full((1, 2), i), np.full((1, 3), -i))
    ours, theirs = recent.matrices()
    np.testing.assert_array_equal(ours[:, 0], -theirs[:, 0])
    assert (ours.shape, theirs.shape) == ((LEAST_ROWS, 2), (LEAST_ROWS, 3))
