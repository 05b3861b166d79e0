"""Two opinions as one, as labels that neither had seen say."""

import numpy as np
import pytest

from trainer.labelling.mixture import MODESTY, USUAL, Mixture, fitted, log_softmax

RNG = np.random.default_rng(5)
TRUE = RNG.integers(4, size=400)


def opinion(share_right: float, sharpness: float = 3.0) -> np.ndarray:
    """Log-probabilities whose best class is right so often."""
    said = np.where(RNG.random(len(TRUE)) < share_right, TRUE, RNG.integers(4, size=len(TRUE)))
    return log_softmax(sharpness * np.eye(4)[said])


def test_of_two_opinions_the_one_that_knows_more_counts_more() -> None:
    good, bad = opinion(0.9), opinion(0.0)
    assert fitted(good, bad, TRUE).mixture.spread > 3 * fitted(bad, good, TRUE).mixture.spread
    assert fitted(good, bad, TRUE).likelihood > fitted(bad, bad, TRUE).likelihood + 0.5


def test_probabilities_are_as_often_right_as_they_say_whatever_the_opinion_said_of_itself() -> None:
    for sharpness in (1.0, 8.0):
        spread, classifier = opinion(0.8, sharpness), opinion(0.3, sharpness)
        mixture = fitted(spread, classifier, TRUE).mixture
        mixed = Mixture(*(one / MODESTY for one in mixture)).probabilities(spread, classifier)
        right = mixed.argmax(1) == TRUE
        assert mixed.max(1).mean() == pytest.approx(right.mean(), abs=0.05)
        assert mixture.probabilities(spread, classifier).max(1).mean() < mixed.max(1).mean()


def test_without_labels_to_judge_by_the_usual_weights_hold_and_few_labels_move_them_little() -> None:
    nothing = np.zeros((0, 4))
    assert fitted(nothing, nothing, np.zeros(0, int)).mixture == pytest.approx([MODESTY * one for one in USUAL])
    one = fitted(opinion(0.0)[:2], opinion(0.0)[:2], TRUE[:2]).mixture
    assert one.spread == pytest.approx(MODESTY * USUAL[0], rel=0.5)


def test_the_product_of_the_opinions_is_meant() -> None:
    spread, classifier = np.log([[0.6, 0.4]]), np.log([[0.1, 0.9]])
    by_hand = np.array([0.6**2 * 0.1**0.5, 0.4**2 * 0.9**0.5])
    assert Mixture(2.0, 0.5).probabilities(spread, classifier)[0] == pytest.approx(by_hand / by_hand.sum())
