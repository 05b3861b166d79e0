"""From the rows of the labels benchmark to its figures and its table. Performs no I/O."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.labels.arms import ARMS, CLASSIFIER, OURS
from benchmarks.labels.rows import Row
from benchmarks.labels.taught import PSEUDO, SPREAD, STRAIGHT, TRUE
from benchmarks.spread import NAN, spread

AT = 5
N_BINS = 10
TAUGHT = (SPREAD, PSEUDO, STRAIGHT, TRUE)


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Figures in percent by the count of labels a class."""
    return {str(n): _figures([one for one in rows if one.n_labels == n]) for n in sorted({r.n_labels for r in rows})}


def figure_of_all(found: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Those that stand at the top level of the JSON: of the worst set."""
    at = [one[str(AT)] for one in found.values() if str(AT) in one]
    if not at:
        return {}
    return {
        "labels_by_pairs_over_classifier_at_5": min(one["over_classifier"].mean for one in at),
        "calibration_error_at_5": max(one["calibration"]["error"] for one in at),
    }


def calibration(probability: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    """How far probabilities are from what is right, in points.

    `error` is the mean over ten bins of equal width of |mean probability - share right|, weighted by their samples
    (expected calibration error), `above` the mean probability less the share right; `bins` are these two and the share
    of samples.
    """
    bins = np.minimum((probability * N_BINS).astype(int), N_BINS - 1)
    found = [
        (float(probability[bins == one].mean()), float(right[bins == one].mean()), float((bins == one).mean()))
        for one in np.unique(bins)
    ]
    return {
        "error": 100 * sum(share * abs(said - true) for said, true, share in found),
        "above": 100 * float(probability.mean() - right.mean()) if len(right) else NAN,
        "bins": found,
    }


def _figures(rows: Sequence[Row]) -> dict[str, Any]:
    ours = [one.told[OURS] for one in rows]
    probability = np.concatenate([one.probability for one in ours])
    right = np.concatenate([one.right for one in ours])
    is_known = np.isfinite(probability)
    return {
        "right": {arm: spread(100 * one.told[arm].accuracy for one in rows) for arm in ARMS},
        "over_classifier": spread(100 * (one.told[OURS].accuracy - one.told[CLASSIFIER].accuracy) for one in rows),
        "not_known": spread(100 * one.not_known for one in ours),
        "calibration": calibration(probability[is_known], right[is_known]),
        "taught": {
            name: spread(100 * one.taught[name] for one in rows if name in one.taught)
            for name in TAUGHT
            if any(name in one.taught for one in rows)
        },
    }


def table(title: str, found: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row for each count of labels, mean ± sd over folds, both ways and draws."""
    shown = Table(title=title)
    shown.add_column("labels\na class", justify="right")
    taught = [name for name in TAUGHT if any(name in one["taught"] for one in found.values())]
    for name in (*ARMS, "ours over\nthe classifier", "not known", "probabilities:\noff / too high"):
        shown.add_column(name, justify="right")
    for name in taught:
        shown.add_column(f"taught by\n{name}", justify="right")
    for n_labels, one in found.items():
        shown.add_row(
            n_labels,
            *(one["right"][arm].cell() for arm in ARMS),
            one["over_classifier"].cell("+"),
            one["not_known"].cell(),
            f"{one['calibration']['error']:.1f} / {one['calibration']['above']:+.1f}",
            *(one["taught"][name].cell() if name in one["taught"] else "-" for name in taught),
        )
    return shown
