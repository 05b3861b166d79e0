"""Figures over all runs of the downstream benchmark: ours next to each other arm, and the table. Performs no I/O."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from rich.table import Table

from benchmarks.data_sets import TITLES
from benchmarks.downstream.training import MMBIND, NATURAL
from benchmarks.downstream.worth import (
    ALIGNED,
    ARMS,
    DESCRIPTORS,
    FEATURES,
    LABELS,
    ONE,
    SEVERAL,
    SUPERVISED,
    UNTRAINED,
)
from benchmarks.learning.rows import Row
from benchmarks.spread import NAN, Spread, spread

AT = 5
# What the named figures call an arm.
NAMES = {
    DESCRIPTORS: "plain_features",
    ALIGNED: "aligned",
    UNTRAINED: "untrained",
    NATURAL: "natural_edges",
    MMBIND: "mmbind",
    SUPERVISED: "same_labels",
}
MEANING = {
    FEATURES: "ours: features",
    ALIGNED: "ours: aligned embedding",
    DESCRIPTORS: "descriptors alone",
    UNTRAINED: "untrained encoders: features",
    NATURAL: "natural edges only: features",
    MMBIND: "MMBind's rule: features",
    SUPERVISED: "encoder from the same labels",
}


class Worth:
    """Accuracies by data set, rotation and seed; a row's `arm` is its data set."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = {(row.arm, row.rotation, row.seed): row.encoders for row in rows}
        self.sets = tuple(dict.fromkeys(name for name, _, _ in self._rows))

    def accuracy(self, name: str, arm: str, case: str, n_labels: int) -> Spread:
        """Of an arm on a set, a share: mean and sd over rotations, seeds averaged."""
        return spread(self._by_rotation(name, {f"{arm}/{case}/{n_labels}": 1.0}))

    def difference(self, name: str, other: str, case: str, n_labels: int = AT) -> Spread:
        """How much higher features are on a set, in points: mean and sd over rotations, seeds averaged."""
        terms = {f"{FEATURES}/{case}/{n_labels}": 100.0, f"{other}/{case}/{n_labels}": -100.0}
        return spread(self._by_rotation(name, terms))

    def _by_rotation(self, name: str, terms: Mapping[str, float]) -> list[float]:
        own: dict[int, list[float]] = {}
        for (of_set, rotation, _), found in self._rows.items():
            if of_set == name:
                values = [weight * found.get(key, NAN) for key, weight in terms.items()]
                own.setdefault(rotation, []).append(sum(values))
        return [float(np.mean(values)) for _, values in sorted(own.items())]


def named_figures(worth: Worth) -> dict[str, float]:
    """For each other arm, at five labels a class and in points: by how much features are above it.

    `over_...` is the mean over the sets of both cases, one modality and several. `worst_set_over_...` is the least of
    all sets and cases, with its standard error over rotations added: below 0 where features are worse by more than it.
    """
    figures: dict[str, float] = {}
    for arm, called in NAMES.items():
        means, upper = [], []
        for name in worth.sets:
            for case in (SEVERAL, ONE):
                found = worth.difference(name, arm, case)
                error = found.sd / math.sqrt(found.n) if found.n > 1 else 0.0
                means.append(found.mean)
                upper.append(found.mean + error)
        if means and all(map(math.isfinite, means)):
            figures[f"over_{called}_at_{AT}"] = float(np.mean(means))
            figures[f"worst_set_over_{called}_at_{AT}"] = min(upper)
    return figures


def differences(worth: Worth) -> list[dict[str, object]]:
    """Of each set and case by how many points features are above each other arm at five labels a class."""
    return [
        {"set": name, "case": case, **{called: worth.difference(name, arm, case) for arm, called in NAMES.items()}}
        for name in worth.sets
        for case in (SEVERAL, ONE)
    ]


def table_of(worth: Worth, name: str, labels: Sequence[int] = LABELS) -> Table:
    """Accuracy in percent of each arm by labels a class: with all modalities, and the mean with one alone."""
    table = Table(title=f"{TITLES[name]}: accuracy on other people, %, by labels a class")
    table.add_column("")
    for case in (SEVERAL, ONE):
        for n_labels in labels:
            table.add_column(f"{case} {n_labels}", justify="right")
    for arm in ARMS:
        cells = [worth.accuracy(name, arm, case, n).cell(times=100) for case in (SEVERAL, ONE) for n in labels]
        table.add_row(MEANING[arm], *cells)
    return table
