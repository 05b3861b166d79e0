import numpy as np

from streams.review.question import used_too_often


def test_a_partner_goes_to_those_whom_it_suits_best() -> None:
    best = np.array([3, 3, 3, 1, 3, 1])
    scores = np.array([1.0, 4.0, 2.0, 0.0, 3.0, 5.0], np.float32)
    assert used_too_often(best, scores, 2).tolist() == [True, False, True, False, False, False]
    assert used_too_often(best, scores, 1).tolist() == [True, False, True, True, True, False]
    assert not used_too_often(best, scores, 4).any()
