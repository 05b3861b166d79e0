"""A label for every sample that few labels reach, with a probability. Performs no I/O, reads no clock, draws nothing.

1. Labels spread along the latest pairs, and to look-alikes of the same kind, as far as those help.
2. A classifier on the shared sensor, from the same labels, has its say too.
3. How much each of these counts is found by leaving out labels, source by source, and telling them from the others.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from streams.records import Binding, Label
from trainer.downstream.finetune import linear_probe, ordered_classes
from trainer.labelling.described import DescribedSample, unit_rows
from trainer.labelling.graph import Edges, kin_edges, pair_edges
from trainer.labelling.mixture import Mixture, fitted, log_softmax
from trainer.labelling.spreading import spread

# What look-alikes weigh next to pairs: the first where no label can be left out, else the best of all.
KIN_WEIGHTS = (0.3, 0.0, 1.0)
MOST_PARTS = 5
# Of the mean mass of a sample: what every class has anyway, and below which nothing is known of a sample.
FLOOR, LEAST_REACH = 0.1, 1e-3
# Of a class that the classifier has no label of.
UNHEARD = -20.0


@dataclass(frozen=True, slots=True, eq=False)
class Labelling:
    """`probabilities` `[n, k]` of the `classes` for each sample, and whether any label reached it `[n]`.

    A sample whose label was given has probability 1. `mixture` says how much pairs and classifier counted.
    """

    classes: tuple[Label, ...]
    probabilities: np.ndarray
    is_known: np.ndarray
    mixture: Mixture

    def best(self, place: int, min_probability: float = 0.0) -> tuple[Label, float] | None:
        """The likeliest label of a sample and its probability; None where it is not known, or less probable."""
        row = self.probabilities[place]
        number = int(row.argmax()) if len(row) else 0
        if not self.is_known[place] or row[number] < min_probability:
            return None
        return self.classes[number], float(row[number])


class _Opinions(NamedTuple):
    """Log-probabilities of what spread and of the classifier: `[n, k]`, and `[m, k]` of labels that were left out."""

    spread: np.ndarray
    classifier: np.ndarray
    spread_left_out: np.ndarray
    classifier_left_out: np.ndarray
    reach: np.ndarray


def label_all(
    samples: Sequence[DescribedSample],
    bindings: Mapping[str, Binding],
    given: Mapping[str, Label],
    shared: str,
) -> Labelling:
    """Labels of all samples, in order; the same for the same inputs.

    Args:
        samples: Those whose label is wanted, and those whose label is given.
        bindings: The latest of each sample by its id; samples without one are told by look-alikes.
        given: Labels by sample id; those of other samples are not looked at.
        shared: The modality on which the classifier looks; one that no sample has gives none.
    """
    n = len(samples)
    places = np.array([place for place, one in enumerate(samples) if one.sample_id in given], np.int64)
    labels = [given[samples[place].sample_id] for place in places]
    classes = tuple(ordered_classes(labels))
    if not classes:
        return Labelling((), np.zeros((n, 0)), np.zeros(n, bool), Mixture(1.0, 0.0))
    number = {label: one for one, label in enumerate(classes)}
    wanted = np.array([number[label] for label in labels])
    task = _Task(samples, places, wanted, len(classes), _parts(samples, places, wanted))
    pairs, kin = pair_edges(samples, bindings), kin_edges(samples)
    classifier = task.classifier(shared)
    chosen: tuple[float, Mixture, _Opinions] | None = None
    for weight in KIN_WEIGHTS if task.can_judge.any() else KIN_WEIGHTS[:1]:
        opinions = task.opinions(pairs + kin.times(weight), classifier)
        judged = task.can_judge
        mixture, likelihood = fitted(
            opinions.spread_left_out[judged], opinions.classifier_left_out[judged], wanted[judged]
        )
        if chosen is None or likelihood > chosen[0]:
            chosen = (likelihood, mixture, opinions)
    assert chosen is not None, "at least one weight is tried"
    _, mixture, opinions = chosen
    probabilities = mixture.probabilities(opinions.spread, opinions.classifier)
    probabilities[places] = np.eye(len(classes))[wanted]
    is_known = opinions.reach >= LEAST_REACH
    is_known[places] = True
    return Labelling(classes, probabilities, is_known, mixture)


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """The labelled samples' places and classes; `parts` says which of them are left out together."""

    samples: Sequence[DescribedSample]
    places: np.ndarray
    wanted: np.ndarray
    n_classes: int
    parts: np.ndarray

    @property
    def n_parts(self) -> int:
        return int(self.parts.max()) + 1

    @property
    def can_judge(self) -> np.ndarray:
        """Of each label, whether its class has others that are not left out with it."""
        if self.n_parts < 2:
            return np.zeros(len(self.places), bool)
        same = self.wanted[:, None] == self.wanted[None, :]
        judged: np.ndarray = (same & (self.parts[:, None] != self.parts[None, :])).any(axis=1)
        return judged

    def opinions(self, edges: Edges, classifier: tuple[np.ndarray, np.ndarray]) -> _Opinions:
        """With the labels at the beginning of columns that are spread at once: all, then all but one part each."""
        n, k = len(self.samples), self.n_classes
        mass = np.zeros((n, 1 + self.n_parts, k))
        for which in range(1 + self.n_parts):
            kept = self.parts != which - 1
            mass[self.places[kept], which, self.wanted[kept]] = 1
        found = spread(edges, mass.reshape(n, -1)).reshape(mass.shape)
        # Each class's total is 1, so that one with more labels is not likelier; and n in all, so that the mean is 1.
        found *= n / np.maximum(found.sum(axis=0), 1e-12)
        logs = np.log((found + FLOOR) / (found + FLOOR).sum(axis=2, keepdims=True))
        left_out = logs[self.places, 1 + self.parts]
        return _Opinions(logs[:, 0], classifier[0], left_out, classifier[1], found[:, 0].mean(axis=1))

    def classifier(self, shared: str) -> tuple[np.ndarray, np.ndarray]:
        """Log-probabilities by the shared modality: of all samples, and of labels that were left out."""
        there = np.array([shared in one.rows for one in self.samples])
        usual = np.full((len(self.samples), self.n_classes), -np.log(self.n_classes))
        if not there[self.places].any():
            return usual, usual[self.places]
        known = unit_rows([one for one in self.samples if shared in one.rows], shared)
        rows = np.zeros((len(self.samples), known.shape[1]), np.float32)
        rows[there] = known
        whole, left_out = usual.copy(), usual[self.places].copy()
        labelled = there[self.places]
        whole[there] = self._probe(rows, labelled)[there]
        for part in range(self.n_parts) if self.can_judge.any() else ():
            kept, told = labelled & (self.parts != part), labelled & (self.parts == part)
            if kept.any() and told.any():
                left_out[told] = self._probe(rows, kept)[self.places[told]]
        return whole, left_out

    def _probe(self, rows: np.ndarray, kept: np.ndarray) -> np.ndarray:
        heard, classes = np.unique(self.wanted[kept], return_inverse=True)
        probe = linear_probe(rows[self.places[kept]], classes.tolist(), len(heard))
        scores = np.full((len(rows), self.n_classes), UNHEARD)
        scores[:, heard] = log_softmax(rows @ probe.weight.T + probe.bias)
        return scores


def _parts(samples: Sequence[DescribedSample], places: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Which labels are left out together, `[m]` numbers: those of a source; in turns where all are of one source."""
    sources = sorted({samples[place].source_id for place in places})
    if len(sources) > 1:
        part = {source: number % MOST_PARTS for number, source in enumerate(sources)}
        return np.array([part[samples[place].source_id] for place in places])
    seen: Counter[int] = Counter()
    turns = []
    for one in wanted.tolist():
        turns.append(seen[one] % MOST_PARTS)
        seen[one] += 1
    return np.array(turns)
