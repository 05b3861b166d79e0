"""How much each of two opinions counts, from labels that neither had seen. Performs no I/O."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

# Of what spread, and of the classifier. They hold where no label can be left out, and pull where few were. All numbers
# here were chosen on UTD-MHAD, the watch recordings and MHEALTH, with their labels.
USUAL = (1.2, 0.4)
PULL = 5.0
# Labels that are left out lie nearer to the others than what is to be told: both weights are this much lower than what
# suits them. Without it probabilities were 2 to 7 points too high at five labels a class.
MODESTY = 0.85
# No opinion says less than this of a class (natural logarithm): e^-6 is a four-hundredth.
LOWEST = -6.0
SMALLEST, LARGEST, N_STEPS, N_ZOOMS = 0.05, 5.0, 13, 3
# More are not needed for two numbers.
MOST_JUDGED = 2000


class Mixture(NamedTuple):
    """Log-probabilities of two opinions are multiplied by these, added, and made probabilities again."""

    spread: float
    classifier: float

    def probabilities(
        self, spread: Float[np.ndarray, "n k"], classifier: Float[np.ndarray, "n k"]
    ) -> Float[np.ndarray, "n k"]:
        """Rows that sum to 1, of two opinions' log-probabilities."""
        mixed: np.ndarray = np.exp(_logs(self.spread, self.classifier, spread, classifier))
        return mixed


class FittedMixture(NamedTuple):
    """A mixture, and the mean log-likelihood of the labels by which it was fitted; 0 where there were none."""

    mixture: Mixture
    likelihood: float


def fitted(
    spread: Float[np.ndarray, "n k"], classifier: Float[np.ndarray, "n k"], true: Int[np.ndarray, " n"]
) -> FittedMixture:
    """The weights under which the true classes are likeliest, pulled towards the usual ones as by five labels.

    Args:
        spread: Log-probabilities of labels that were left out when they were made.
        classifier: The same.
        true: Their classes.
    """
    judged = np.linspace(0, len(true) - 1, min(len(true), MOST_JUDGED)).astype(np.int64)
    spread, classifier, true = spread[judged], classifier[judged], true[judged]

    def cost(weights: tuple[float, float]) -> float:
        pull = sum(np.log(one / usual) ** 2 for one, usual in zip(weights, USUAL, strict=True))
        return PULL * float(pull) - _likelihood(weights, spread, classifier, true)

    best, width = USUAL, np.log(LARGEST / SMALLEST)
    centre = np.log(np.sqrt(SMALLEST * LARGEST)) * np.ones(2)
    for _ in range(N_ZOOMS if len(true) else 0):
        axes = [np.exp(middle + width * np.linspace(-0.5, 0.5, N_STEPS)) for middle in centre]
        best = min(((float(a), float(b)) for a in axes[0] for b in axes[1]), key=cost)
        centre, width = np.log(best), 2 * width / (N_STEPS - 1)
    likelihood = _likelihood(best, spread, classifier, true) / max(1, len(true))
    return FittedMixture(Mixture(MODESTY * best[0], MODESTY * best[1]), likelihood)


def _likelihood(weights: tuple[float, float], spread: np.ndarray, classifier: np.ndarray, true: np.ndarray) -> float:
    logs = _logs(*weights, spread, classifier)
    return float(logs[np.arange(len(true)), true].sum())


def _logs(spread_weight: float, classifier_weight: float, spread: np.ndarray, classifier: np.ndarray) -> np.ndarray:
    mixed = spread_weight * np.maximum(spread, LOWEST) + classifier_weight * np.maximum(classifier, LOWEST)
    return log_softmax(mixed)


def log_softmax(scores: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """Log-probabilities, rows of which sum to 1 once raised."""
    scores = scores - scores.max(axis=1, keepdims=True)
    logs: np.ndarray = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return logs
