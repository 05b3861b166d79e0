"""Classes from few rows, in closed form: the sum written out, and what must not matter."""

import numpy as np
import pytest

from streams.features import FeatureBlock
from trainer.downstream.ridge import RIDGE, is_there, learn_classes

RNG = np.random.default_rng(0)
# Two modalities, of two blocks each.
BLOCKS = (
    FeatureBlock("a", slice(0, 3)),
    FeatureBlock("a", slice(3, 5), is_descriptor=True),
    FeatureBlock("b", slice(5, 9)),
    FeatureBlock("b", slice(9, 10), is_descriptor=True),
)
ALIKE = (FeatureBlock("a", slice(0, 10)),)
CLASSES = [0, 1, 2] * 6
CENTRES = 3 * RNG.normal(size=(3, 10))
ROWS = CENTRES[CLASSES] + RNG.normal(size=(18, 10))


def by_hand(rows: np.ndarray, asked: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The ridge regression with all columns' squares and products, as it stands in textbooks."""
    mean, spread = rows.mean(0), rows.std(0)
    one, other = (weights * (each - mean) / spread for each in (rows, asked))
    targets = np.eye(3)[CLASSES]
    cost = RIDGE * (one**2).sum() / len(one)
    inverse = np.linalg.inv(one.T @ one + cost * np.eye(one.shape[1]))
    scores: np.ndarray = other @ (inverse @ one.T @ (targets - targets.mean(0))) + targets.mean(0)
    return scores


@pytest.mark.parametrize("blocks", [ALIKE, BLOCKS])
def test_the_scores_are_those_of_the_ridge_regression_written_out(blocks: tuple[FeatureBlock, ...]) -> None:
    asked = RNG.normal(size=(200, 10))
    weights = np.concatenate([np.full(one.n_columns, np.sqrt(one.weight)) for one in blocks])
    found = learn_classes(ROWS, CLASSES, 3, blocks)
    scores = (asked - found.mean) / found.scale @ found.weight.T + found.bias
    np.testing.assert_allclose(scores, by_hand(ROWS, asked, weights), rtol=1e-9, atol=1e-9)
    assert found(asked).tolist() == by_hand(ROWS, asked, weights).argmax(1).tolist()


def test_many_rows_give_what_few_give_when_each_is_there_many_times() -> None:
    """More rows than columns are solved the other way round, with the same sums."""
    asked = RNG.normal(size=(50, 10))
    few, many = learn_classes(ROWS[:9], CLASSES[:9], 3, ALIKE), learn_classes(ROWS, CLASSES, 3, ALIKE)
    assert len(ROWS[:9]) < 10 < len(ROWS)
    for found, n in ((few, 9), (many, 18)):
        assert found.weight.shape == (3, 10)
        assert (found(ROWS[:n]) == np.array(CLASSES[:n])).all()
    assert (few(asked) == many(asked)).mean() > 0.5


def test_units_and_zero_points_of_columns_do_not_matter() -> None:
    asked = CENTRES[CLASSES] + RNG.normal(size=(18, 10))
    units, zeros = 10.0 ** RNG.integers(-3, 4, 10), RNG.normal(size=10)
    plain = learn_classes(ROWS, CLASSES, 3, ALIKE)(asked)
    assert learn_classes(ROWS * units + zeros, CLASSES, 3, ALIKE)(asked * units + zeros).tolist() == plain.tolist()


def test_a_modality_that_a_row_lacks_says_nothing_of_it() -> None:
    """It is judged as if the modality stood at its mean, whatever that is."""
    rows = ROWS + 50
    found = learn_classes(rows, CLASSES, 3, BLOCKS)
    lacking, middling = rows.copy(), rows.copy()
    lacking[:, 5:], middling[:, 5:] = 0, rows[:, 5:].mean(0)
    assert found(lacking).tolist() == found(middling).tolist()
    assert (found(lacking) == np.array(CLASSES)).mean() > 0.8
    assert not is_there(lacking, BLOCKS)[:, 5:].any() and is_there(lacking, BLOCKS)[:, :5].all()


def test_rows_that_lack_a_modality_do_not_move_its_mean_and_spread() -> None:
    rows = np.concatenate([ROWS, ROWS]) + 50
    rows[18:, 5:] = 0
    found = learn_classes(rows, CLASSES * 2, 3, BLOCKS)
    np.testing.assert_allclose(found.mean[5:], ROWS[:, 5:].mean(0) + 50)
    np.testing.assert_allclose(found.scale[5:9], ROWS[:, 5:9].std(0))


def test_a_zero_in_one_column_is_a_value() -> None:
    rows = ROWS.copy()
    rows[0, 3] = 0
    assert is_there(rows, BLOCKS).all()


def test_unlabelled_rows_tell_means_and_spreads_and_nothing_else() -> None:
    more = 5 + 2 * RNG.normal(size=(500, 10))
    found = learn_classes(ROWS, CLASSES, 3, ALIKE, more)
    np.testing.assert_allclose(found.mean, np.concatenate([ROWS, more]).mean(0))
    np.testing.assert_allclose(found.scale, np.concatenate([ROWS, more]).std(0))
    assert found.bias.shape == (3,) and (found(ROWS) == np.array(CLASSES)).all()


def test_a_column_that_never_changes_is_left_out_and_one_that_hardly_does_is_not_blown_up() -> None:
    rows = ROWS.copy()
    rows[:, 0], rows[:, 1] = 4, 1e-9 * ROWS[:, 1]
    found = learn_classes(rows, CLASSES, 3, ALIKE)
    shifted = rows.copy()
    shifted[:, 1] += 1e-6
    assert np.isfinite(found.weight).all() and not found.weight[:, 0].any()
    assert found(shifted).tolist() == found(rows).tolist()


def test_one_label_is_enough_to_say_something() -> None:
    assert learn_classes(ROWS[:1], [1], 3, ALIKE)(ROWS).tolist() == [1] * 18


@pytest.mark.parametrize(("n_rows", "classes"), [(0, []), (2, [0])])
def test_rows_and_classes_are_as_many(n_rows: int, classes: list[int]) -> None:
    with pytest.raises(ValueError, match="wanted as many"):
        learn_classes(ROWS[:n_rows], classes, 3, ALIKE)
