"""How sure one may be that one model retrieves better than another one on the same samples. Pure."""

from collections.abc import Mapping, Sequence

import numpy as np

# Of the samples with replacement; so many give the standard error to some 5 %.
DRAWS = 200

# Figures of single queries: by name of the figure, by sample id.
BySample = Mapping[str, Mapping[str, float]]


def standard_error(candidate: BySample, best: BySample, names: Sequence[str]) -> float:
    """Standard error of the difference of two means over figures, the samples resampled: the bootstrap, in pairs.

    Each draw takes samples with replacement, the same for both models and for all figures (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, chapter 6). What is alike in both does not count; 0 where nothing is known.

    Args:
        candidate: Of one model.
        best: Of the other one.
        names: Of the figures, each of which is a mean over its own samples.
    """
    differences = [_difference(candidate.get(name, {}), best.get(name, {})) for name in names]
    differences = [one for one in differences if one]
    ids = sorted({sample_id for one in differences for sample_id in one})
    if len(ids) < 2:
        return 0.0
    place = {sample_id: number for number, sample_id in enumerate(ids)}
    counts = np.random.default_rng(0).multinomial(len(ids), np.full(len(ids), 1 / len(ids)), DRAWS).astype(float)
    means = np.zeros(DRAWS)
    for one in differences:
        own = counts[:, [place[sample_id] for sample_id in one]]
        means += own @ np.array([*one.values()]) / np.maximum(own.sum(axis=1), 1.0) / len(differences)
    return float(means.std(ddof=1))


def _difference(candidate: Mapping[str, float], best: Mapping[str, float]) -> dict[str, float]:
    return {name: value - best[name] for name, value in candidate.items() if name in best}
