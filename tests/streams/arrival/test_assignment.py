import numpy as np
import pytest

from streams.arrival import assignment as scoring
from streams.arrival.assignment import Assignment, Candidates
from streams.settings import BindingSettings

PLAIN = BindingSettings(partners=3, temperature=0.1, hub_correction=0.0, use_cap=2.0)
NAN = float("nan")


def candidates(scores: list[list[float]], means: list[list[float]], own: list[float]) -> Candidates:
    values = np.array(scores, np.float32)
    rows = np.where(values > -2, np.arange(values.size).reshape(values.shape), -1)
    return Candidates(rows, values / 2, values, np.array(means, np.float32), np.array(own, np.float32))


def assign(found: Candidates, use: np.ndarray, settings: BindingSettings) -> Assignment:
    return scoring.assign(found, np.ones(found.rows.shape, bool), use, settings)


def no_use(of: Candidates) -> np.ndarray:
    return np.zeros(of.rows.shape, np.float32)


def test_probabilities_are_a_softmax_over_the_best() -> None:
    found = candidates([[0.9, 0.8, 0.7, 0.6]], [[0.5] * 4], [0.5])
    result = assign(found, no_use(found), PLAIN)
    by_hand = np.exp(np.array([9.0, 8.0, 7.0]))
    np.testing.assert_allclose(result.probabilities[0], by_hand / by_hand.sum(), rtol=1e-4)
    assert result.rows.tolist() == [[0, 1, 2]]
    np.testing.assert_allclose(result.similarities[0], [0.45, 0.4, 0.35])


def test_a_hub_is_set_back_by_half_of_both_means() -> None:
    found = candidates([[0.9, 0.85]], [[0.8, 0.5]], [0.6])
    settings = PLAIN.model_copy(update={"hub_correction": 1.0})
    result = assign(found, no_use(found), settings)
    assert result.rows[0, 0] == 1
    odds = result.probabilities[0, 0] / result.probabilities[0, 1]
    assert odds == pytest.approx(np.exp(((0.85 - 0.55) - (0.9 - 0.7)) / 0.1), rel=1e-3)


def test_use_up_to_the_cap_halves_a_share() -> None:
    found = candidates([[0.9, 0.9]], [[0.5, 0.5]], [0.5])
    result = assign(found, np.array([[0.0, 2.0]], np.float32), PLAIN)
    np.testing.assert_allclose(result.probabilities[0, :2], [2 / 3, 1 / 3], rtol=1e-5)


def test_who_was_used_as_often_as_is_set_is_nobodys_partner_any_more() -> None:
    found = candidates([[0.9, 0.8, 0.7]], [[0.5] * 3], [0.5])
    used = np.array([[5.0, 4.9, 0.0]], np.float32)
    result = assign(found, used, PLAIN.model_copy(update={"most_uses": 5}))
    assert [row for row, share in zip(result.rows[0], result.probabilities[0], strict=True) if share > 0] == [2, 1]


def test_unknown_means_count_as_ones_own() -> None:
    settings = PLAIN.model_copy(update={"hub_correction": 1.0})
    unknown = candidates([[0.9, 0.8]], [[NAN, 0.3]], [0.3])
    known = candidates([[0.9, 0.8]], [[0.3, 0.3]], [0.3])
    left, right = assign(unknown, no_use(unknown), settings), assign(known, no_use(known), settings)
    assert np.array_equal(left.probabilities, right.probabilities)


def test_without_candidates_nobody_has_a_probability() -> None:
    found = candidates([[-2.0, -2.0], [0.4, -2.0]], [[NAN, NAN], [0.1, NAN]], [NAN, 0.4])
    result = assign(found, no_use(found), PLAIN)
    assert result.probabilities.tolist() == [[0.0, 0.0], [1.0, 0.0]]


def test_a_rows_bits_do_not_depend_on_its_company() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 999, (64, 32))
    numbers = [rng.uniform(size=shape).astype(np.float32) for shape in ((64, 32), (64, 32), (64, 32), 64)]
    fresh, use = rng.random((64, 32)) < 0.3, rng.gamma(1, 1, (64, 32)).astype(np.float32)
    whole = scoring.assign(Candidates(rows, *numbers), fresh, use, BindingSettings())
    for i in range(64):
        part = slice(i, i + 1)
        found = Candidates(rows[part], *(values[part] for values in numbers))
        one = scoring.assign(found, fresh[part], use[part], BindingSettings())
        assert all(np.array_equal(a[part], b) for a, b in zip(whole, one, strict=True))


def test_who_brings_a_new_pair_of_modalities_comes_first_however_little_it_is_alike() -> None:
    found = candidates([[0.9, 0.2, 0.1], [0.9, 0.2, -2.0]], [[0.5] * 3] * 2, [0.5, 0.5])
    fresh = np.array([[False, True, True], [False, False, True]])
    result = scoring.assign(found, fresh, no_use(found), PLAIN)
    assert result.rows[0, :2].tolist() == [1, 2]
    assert result.probabilities[0, 2] == 0
    assert result.rows[1, :2].tolist() == [3, 4], "where nobody does, the others are partners"
    assert result.probabilities[1].sum() == pytest.approx(1)


def test_what_is_less_alike_than_is_set_is_nobodys_partner() -> None:
    found = candidates([[0.9, 0.5]], [[0.5, 0.5]], [0.5])
    result = assign(found, no_use(found), PLAIN.model_copy(update={"min_similarity": 0.3}))
    assert result.probabilities.tolist() == [[1.0, 0.0]]
    assert result.similarities[0, 0] == pytest.approx(0.45)
