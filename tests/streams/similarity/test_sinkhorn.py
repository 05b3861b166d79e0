from collections.abc import Callable

import numpy as np
import pytest

from streams.similarity.sinkhorn import balanced_plan, plan_row_by_row

SCORES = np.random.default_rng(0).normal(size=(30, 30)).astype(np.float32)
ALL = np.ones(SCORES.shape, bool)


def shares(plan: np.ndarray) -> np.ndarray:
    """Of each row, summing to 1."""
    weights = np.exp(plan - plan.max(axis=1, keepdims=True))
    summed: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
    return summed


def test_every_column_gets_as_much_as_any_other() -> None:
    np.testing.assert_allclose(shares(balanced_plan(SCORES, ALL, 0.4)).sum(axis=0), 1, atol=0.02)
    assert shares(plan_row_by_row(SCORES, ALL, 0.4)).sum(axis=0).max() > 1.5


def test_one_that_all_like_best_is_left_to_those_who_like_no_other() -> None:
    """Everybody's first choice is column 0, by more or less; the plan gives each row the column of its own."""
    scores = np.eye(6, dtype=np.float32)
    scores[:, 0] += 1.5
    assert plan_row_by_row(scores, np.ones((6, 6), bool), 0.2).argmax(axis=1).tolist() == [0] * 6
    assert balanced_plan(scores, np.ones((6, 6), bool), 0.2).argmax(axis=1).tolist() == [0, 1, 2, 3, 4, 5]


def test_a_column_that_is_liked_more_by_everybody_alike_changes_nothing() -> None:
    liked = SCORES + np.linspace(-1, 1, 30, dtype=np.float32)
    np.testing.assert_allclose(
        shares(balanced_plan(liked, ALL, 0.4)), shares(balanced_plan(SCORES, ALL, 0.4)), atol=5e-3
    )


@pytest.mark.parametrize("plan", [balanced_plan, plan_row_by_row])
def test_softness_is_the_scale_of_the_scores(plan: Callable[..., np.ndarray]) -> None:
    np.testing.assert_allclose(shares(plan(3 * SCORES, ALL, 1.2)), shares(plan(SCORES, ALL, 0.4)), atol=1e-4)
    assert shares(plan(SCORES, ALL, 0.1)).max(axis=1).mean() > shares(plan(SCORES, ALL, 1.0)).max(axis=1).mean() + 0.2


def test_what_is_not_allowed_is_never_a_pair_and_a_row_of_none_harms_nobody() -> None:
    allowed = np.random.default_rng(1).random(SCORES.shape) < 0.5
    allowed[3], allowed[:, 7] = False, False
    plan = balanced_plan(SCORES, allowed, 0.4)
    np.testing.assert_array_equal(np.isfinite(plan), allowed)


def test_a_column_that_nobody_may_have_harms_nobody_where_few_go_with_many() -> None:
    """Its factor would grow beyond all numbers, and all others with it become none."""
    scores = np.random.default_rng(2).normal(size=(400, 3)).astype(np.float32) * 4
    allowed = np.ones(scores.shape, bool)
    allowed[:, 2] = False
    with np.errstate(all="raise", under="ignore"):
        plan = balanced_plan(scores, allowed, 0.4)
    np.testing.assert_allclose(plan[:, :2], balanced_plan(scores[:, :2], allowed[:, :2], 0.4), atol=1e-6)
