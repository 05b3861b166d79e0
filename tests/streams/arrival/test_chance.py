import numpy as np
import pytest

from encoders.modality import ModalitySpec
from streams.arrival.chance import Chance, ChanceScores
from streams.arrival.lag_shapes import LagShapes
from streams.history.index import SegmentedIndex
from streams.settings import IndexSettings

SPEC = ModalitySpec(name="acceleration", n_channels=3, n_steps=64, rate_hz=50.0)
N_ROWS, DIM = 600, 12


def test_surprise_is_the_logarithm_of_the_odds_in_the_tail() -> None:
    chance = Chance()
    chance.remember(np.random.default_rng(0).exponential(0.07, 2000).astype(np.float32) - 0.5)
    low, high = chance.surprise(np.array([0.07 * np.log(100), 0.07 * np.log(1000)], np.float32) - np.float32(0.5))
    assert high - low == pytest.approx(np.log(10), abs=0.3)
    assert chance.surprise(np.array([-1.0], np.float32))[0] < 0.01


def test_a_measures_unit_and_zero_do_not_matter() -> None:
    random = np.random.default_rng(1).normal(size=2000).astype(np.float32)
    plain, other = Chance(), Chance()
    plain.remember(random)
    other.remember(5 * random - 2)
    at = np.linspace(-2, 6, 9, dtype=np.float32)
    np.testing.assert_allclose(other.surprise(5 * at - 2), plain.surprise(at), rtol=1e-3)


def test_only_the_last_pairs_count() -> None:
    chance, fresh = Chance(), Chance()
    chance.remember(np.full(2048, 0.9, np.float32))
    for part in np.split(np.random.default_rng(2).normal(size=2048).astype(np.float32), 16):
        chance.remember(part)
        fresh.remember(part)
    assert np.array_equal(chance.surprise(np.ones(1, np.float32)), fresh.surprise(np.ones(1, np.float32)))


def test_pairs_that_are_all_alike_are_no_surprise_and_no_division_by_zero() -> None:
    chance = Chance()
    chance.remember(np.ones(100, np.float32))
    assert chance.surprise(np.ones(1, np.float32))[0] == pytest.approx(np.log(2))


def surprise_of(n_sources: int, lag_tolerant: bool = True) -> tuple[ChanceScores, np.ndarray]:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(N_ROWS, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = SegmentedIndex(DIM, IndexSettings())
    sources = np.arange(N_ROWS) % n_sources
    index.append(vectors, sources)
    one = ChanceScores(index, 2 * N_ROWS, [LagShapes(SPEC, 2 * N_ROWS)] if lag_tolerant else [])
    one.write(0, rng.normal(size=(N_ROWS, 64, 3)).astype(np.float32), sources)
    return one, vectors


def test_units_are_a_guess_until_pairs_of_different_sources_were_seen() -> None:
    lonely, _ = surprise_of(1)
    lonely.draw(0, N_ROWS)
    assert not lonely.is_known
    several, _ = surprise_of(3)
    several.draw(0, N_ROWS)
    assert several.is_known


@pytest.mark.parametrize("lag_tolerant", [True, False])
def test_scores_of_random_pairs_spread_alike_with_one_measure_and_with_two(lag_tolerant: bool) -> None:
    one, vectors = surprise_of(3, lag_tolerant)
    for number in range(16):
        one.draw(0, N_ROWS, number)
    rows = np.random.default_rng(4).integers(0, N_ROWS, (64, 40))
    cosines = np.einsum("nd,nkd->nk", vectors[:64], vectors[rows])
    usable = rows != np.arange(64)[:, None]
    scores = one.scores(rows, one.measures(0, rows, cosines))[usable]
    assert scores.min() >= 0
    assert scores.std() == pytest.approx(0.55, abs=0.1)


def test_a_row_that_is_none_has_the_lowest_score() -> None:
    one, _ = surprise_of(3)
    rows = np.array([[5, -1]])
    measures = one.measures(0, rows, np.array([[0.3, -2.0]], np.float32))
    assert one.scores(rows, measures)[0, 1] == -2
