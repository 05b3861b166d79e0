import numpy as np
import pytest

from trainer.downstream.classification import Gain, chance_scores, confusion_matrix, gain, majority_scores, scores

# True 0 0 0 1 1 2, said 0 0 1 1 2 2.
TRUE, SAID = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2]


def test_rows_are_what_is_true_and_columns_what_was_said() -> None:
    assert confusion_matrix(TRUE, SAID, 3).tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]


def test_scores_are_those_written_out_by_hand() -> None:
    found = scores(confusion_matrix(TRUE, SAID, 3))
    assert found.accuracy == pytest.approx(4 / 6)
    # Precision and recall of the classes: 1 and 2/3, 1/2 and 1/2, 1/2 and 1.
    assert found.macro_f1 == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)


def test_a_class_that_occurs_nowhere_does_not_count() -> None:
    assert scores(confusion_matrix(TRUE, SAID, 5)) == scores(confusion_matrix(TRUE, SAID, 3))


def test_scores_do_not_depend_on_the_order_of_the_classes() -> None:
    counts, order = confusion_matrix(TRUE, SAID, 3), [2, 0, 1]
    assert scores(counts[np.ix_(order, order)]).macro_f1 == pytest.approx(scores(counts).macro_f1)


def test_chance_is_one_in_the_known_classes() -> None:
    found = chance_scores([3, 2, 1], [True, True, True])
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.macro_f1 == pytest.approx((2 * 1 / 5 + 2 * (2 / 3) / 4 + 2 * (1 / 3) / 3) / 3)


def test_a_class_that_cannot_be_said_is_never_right_by_chance() -> None:
    assert chance_scores([3, 2, 1], [True, True, False]).accuracy == pytest.approx(5 / 12)


def test_majority_says_the_most_frequent_class_always() -> None:
    found = majority_scores([3, 2, 1])
    assert found.accuracy == pytest.approx(1 / 2)
    assert found.macro_f1 == pytest.approx((2 * 3 / (3 + 6)) / 3)


def test_nothing_judged_is_no_number() -> None:
    assert np.isnan(scores(np.zeros((2, 2), np.int64)).accuracy)


@pytest.mark.parametrize(("true", "said", "what"), [([0], [0, 1], "as many"), ([3], [0], "class 3: wanted 0 to 2")])
def test_what_is_no_confusion_is_refused(true: list[int], said: list[int], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        confusion_matrix(true, said, 3)


def test_a_gain_is_the_difference_of_the_accuracies() -> None:
    found = gain([True, True, False, True], [True, False, False, False], ["a", "b", "c", "d"])
    assert found.difference == pytest.approx(3 / 4 - 1 / 4)
    # Each sample a group of its own: the usual standard error of a mean.
    assert found.error == pytest.approx(np.std([0, 1, 0, 1], ddof=1) / 2)
    assert found.may_be_chance


def test_samples_that_hang_together_count_as_one() -> None:
    right, other = np.array([True, False, True, False]), np.array([False, False, True, True])
    alone = gain(right.tolist(), other.tolist(), list("abcd"))
    doubled = gain(right.repeat(2).tolist(), other.repeat(2).tolist(), list("aabbccdd"))
    assert doubled == alone
    assert gain([True, True], [False, False], ["a", "a"]) == Gain(1.0, None)


def test_a_gain_of_many_samples_is_no_chance() -> None:
    rng = np.random.default_rng(0)
    right, other = (rng.random(400) < 0.8).tolist(), (rng.random(400) < 0.6).tolist()
    assert not gain(right, other, range(400)).may_be_chance


def test_a_gain_wants_as_many_of_each() -> None:
    with pytest.raises(ValueError, match="2, 1 and 2 samples"):
        gain([True, True], [True], ["a", "b"])
