import numpy as np
import pytest

from streams.precision.comparison import best_comparison, sureness
from streams.similarity.sinkhorn import balanced_plan
from tests.support.judged_world import SOFTNESS, world


def test_of_two_that_have_one_candidate_each_the_one_that_is_more_like_it_is_surer() -> None:
    scores, allowed = np.array([[0.0, 3.0], [1.0, 0.0]]), ~np.eye(2, dtype=bool)
    sure = sureness(scores, balanced_plan(scores, allowed, SOFTNESS))
    assert sure[0, 1] - sure[1, 0] == pytest.approx(2)


def test_the_way_to_compare_that_finds_more_right_partners_is_chosen() -> None:
    good, poor = world(0.7), world(2.5)
    assert best_comparison({"first": poor.scores, "second": good.scores}, good.witnesses, good.sources) == "second"
    assert best_comparison({"first": good.scores, "second": poor.scores}, good.witnesses, good.sources) == "first"


def test_the_first_way_is_kept_unless_another_is_clearly_better() -> None:
    one = world(1.1)
    noise = np.random.default_rng(0).standard_normal(one.scores.shape).astype(np.float32)
    nearly_alike = one.scores + 0.02 * (noise + noise.T)
    assert best_comparison({"a": one.scores, "b": nearly_alike}, one.witnesses, one.sources) == "a"
    assert best_comparison({"b": nearly_alike, "a": one.scores}, one.witnesses, one.sources) == "b"


def test_without_witnesses_the_first_way_is_chosen() -> None:
    one = world(0.7)
    assert best_comparison({"first": -one.scores, "second": one.scores}, [], one.sources) == "first"
