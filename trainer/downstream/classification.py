"""How well classes are told apart, next to guessing. Pure sums over counts; knows neither models nor labels' names."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

# A difference counts when it is larger than so many of its standard errors.
ERRORS_OF_A_DIFFERENCE = 2.0


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Shares from 0 to 1; NaN where nothing was judged."""

    accuracy: float
    macro_f1: float


@dataclass(frozen=True, slots=True)
class Gain:
    """How much higher one accuracy is than another on the same samples, with its standard error; None if unknown."""

    difference: float
    error: float | None

    @property
    def may_be_chance(self) -> bool:
        """Whether it is within two standard errors of nothing; one whose error is unknown may be."""
        return self.error is None or not abs(self.difference) > ERRORS_OF_A_DIFFERENCE * self.error


def confusion_matrix(true: Sequence[int], said: Sequence[int], n_classes: int) -> np.ndarray:
    """Counts `[n_classes, n_classes]`: row the true class, column what was said.

    Raises:
        ValueError: If the two are of unlike length, or a class is not below `n_classes`.
    """
    if len(true) != len(said):
        raise ValueError(f"{len(true)} true classes, {len(said)} said ones: wanted as many")
    counts = np.zeros((n_classes, n_classes), np.int64)
    for row, column in zip(true, said, strict=True):
        if not (0 <= row < n_classes and 0 <= column < n_classes):
            raise ValueError(f"class {max(row, column, key=abs)}: wanted 0 to {n_classes - 1}")
        counts[row, column] += 1
    return counts


def scores(confusion: np.ndarray) -> ClassScores:
    """Accuracy, and the mean over classes of F1 = 2 hits / (true + said).

    A class that is neither true nor said anywhere does not count.
    """
    hits, true, said = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    n, occurs = int(confusion.sum()), (true + said) > 0
    if not n:
        return ClassScores(float("nan"), float("nan"))
    return ClassScores(float(hits.sum() / n), float((2 * hits[occurs] / (true + said)[occurs]).mean()))


def gain(right: Sequence[bool], other_right: Sequence[bool], groups: Sequence[Hashable]) -> Gain:
    """Mean of `right` less that of `other_right`, sample by sample.

    Samples of one group hang together (one person doing one thing): the error is that of a mean over groups, each
    counting by its samples.

    Raises:
        ValueError: If the three are of unlike length, or empty.
    """
    if not len(right) == len(other_right) == len(groups) > 0:
        raise ValueError(f"{len(right)}, {len(other_right)} and {len(groups)} samples: wanted as many of each, and any")
    deltas = np.asarray(right, float) - np.asarray(other_right, float)
    mean = float(deltas.mean())
    number = {group: place for place, group in enumerate(dict.fromkeys(groups))}
    if len(number) < 2:
        return Gain(mean, None)
    # The sums of the groups' residuals, as in a cluster-robust error of a mean (Liang and Zeger, 1986).
    sums = np.bincount([number[group] for group in groups], weights=deltas - mean)
    return Gain(mean, float(np.sqrt(len(sums) / (len(sums) - 1) * np.square(sums).sum()) / len(deltas)))


def chance_scores(n_true: Sequence[int], is_known: Sequence[bool]) -> ClassScores:
    """What guessing evenly among the known classes gives: for F1 the ratio of the expected counts.

    Args:
        n_true: How often each class is true.
        is_known: Whether it can be said at all.
    """
    true, known = np.asarray(n_true, float), np.asarray(is_known, float)
    n, said = true.sum(), true.sum() * known / max(known.sum(), 1.0)
    hits, occurs = true * known / max(known.sum(), 1.0), (true + said) > 0
    if not n:
        return ClassScores(float("nan"), float("nan"))
    return ClassScores(float(hits.sum() / n), float((2 * hits[occurs] / (true + said)[occurs]).mean()))


def majority_scores(n_true: Sequence[int]) -> ClassScores:
    """What always saying the class that is true most often gives: the best that can be had without looking."""
    true = np.asarray(n_true, np.int64)
    confusion = np.zeros((len(true), len(true)), np.int64)
    if len(true):
        confusion[:, int(true.argmax())] = true
    return scores(confusion)
