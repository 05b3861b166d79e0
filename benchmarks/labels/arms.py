"""What is told of the nodes without labels, and by which means. Performs no I/O."""

from dataclasses import dataclass

import numpy as np

from benchmarks.labels.fleet import Fleet
from streams.records import Label
from trainer.downstream.finetune import linear_probe, ordered_classes
from trainer.labelling.described import unit_rows
from trainer.labelling.graph import pair_edges
from trainer.labelling.labelling import label_all
from trainer.labelling.spreading import spread

PAIRS, CLASSIFIER, OURS = "pairs alone", "classifier on the shared sensor", "ours"
ARMS = (CLASSIFIER, PAIRS, OURS)


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """Labels for all samples of the kind that had none, in order; None where it is not known.

    `right` is whether each is, `probability` NaN where an arm has none.
    """

    said: list[Label | None]
    right: np.ndarray
    probability: np.ndarray

    @property
    def accuracy(self) -> float:
        """The share that is right; what is not known is not."""
        return float(self.right.mean())

    @property
    def not_known(self) -> float:
        """The share of which nothing is said."""
        return float(np.mean([one is None for one in self.said]))


def told_by(arm: str, fleet: Fleet, given: dict[str, Label], kind: int) -> Told:
    """What an arm says of nodes of that kind, from labels of the other one."""
    places: list[int] = np.flatnonzero(fleet.kinds == kind).tolist()
    if arm == OURS:
        found = label_all(fleet.described, fleet.latest, given, fleet.settings.shared_modality)
        best = [found.best(place) for place in places]
        said = [None if one is None else one[0] for one in best]
        probability = np.array([np.nan if one is None else one[1] for one in best])
    else:
        classes = ordered_classes(given.values())
        known = [place for place, one in enumerate(fleet.samples) if one.sample_id in given]
        wanted = [classes.index(given[fleet.samples[place].sample_id]) for place in known]
        scores = _by_classifier(fleet, known, wanted) if arm == CLASSIFIER else _by_pairs(fleet, known, wanted)
        is_told = scores[places].max(axis=1) > 0 if arm == PAIRS else np.ones(len(places), bool)
        numbers = scores[places].argmax(axis=1)
        said = [classes[number] if is_ else None for number, is_ in zip(numbers, is_told, strict=True)]
        probability = np.full(len(places), np.nan)
    right = np.array([one == fleet.labels[place] for one, place in zip(said, places, strict=True)])
    return Told(said, right, probability)


def _by_pairs(fleet: Fleet, known: list[int], wanted: list[int]) -> np.ndarray:
    mass = np.zeros((len(fleet.samples), max(wanted) + 1))
    mass[known, wanted] = 1
    found = spread(pair_edges(fleet.described, fleet.latest), mass)
    scores: np.ndarray = found / np.maximum(found.sum(axis=0), 1e-12)
    return scores


def _by_classifier(fleet: Fleet, known: list[int], wanted: list[int]) -> np.ndarray:
    rows = unit_rows(fleet.described, fleet.settings.shared_modality)
    probe = linear_probe(rows[known], wanted, max(wanted) + 1)
    scores: np.ndarray = rows @ probe.weight.T + probe.bias
    return scores
