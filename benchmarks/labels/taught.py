"""What a classifier learns that sees only the modality that had no label, judged on people whom nobody saw."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from benchmarks.labels.fleet import Fleet
from benchmarks.learning.score import weights_of
from encoders.nets import EncoderFunction
from streams.records import Label, Sample
from streams.similarity.descriptor import Descriptor
from trainer.controls import replay_bindings, spread_steps
from trainer.downstream.finetune import linear_probe, nearest_centre, ordered_classes
from trainer.settings import TrainerSettings

SPREAD, PSEUDO, STRAIGHT, TRUE = "labels that travelled", "pseudo-labels", "straight", "true labels"
N_STEPS = 300


class Pupil:
    """A linear classifier on the fixed descriptors of one kind's own modality.

    Args:
        fleet: Whose samples teach.
        kind: Whose own modality is looked at; it has one.
    """

    def __init__(self, fleet: Fleet, kind: int) -> None:
        name = fleet.own[kind]
        if name is None:
            raise ValueError("nodes of this kind have no modality of their own, wanted one")
        self._places = np.flatnonzero(fleet.kinds == kind).tolist()
        describe = Descriptor(fleet.settings.specs[name])
        own = describe(np.stack([fleet.samples[place].windows[name] for place in self._places]))
        middle, scale = own.mean(0), np.maximum(own.std(0), 1e-6)
        self._rows = _unit((own - middle) / scale)
        test = describe(np.stack([one.windows[name] for one in fleet.test]))
        self._test_rows = _unit((test - middle) / scale)
        self._true = [one.label for one in fleet.test]

    def accuracy(self, labels: Sequence[Label | None]) -> float:
        """Of new people's samples, the share that it gets right, taught by these; where one is None it is not shown."""
        shown = [row for row, label in enumerate(labels) if label is not None]
        classes = ordered_classes(labels[row] for row in shown)
        wanted = [classes.index(label) for row in shown if (label := labels[row]) is not None]
        said = linear_probe(self._rows[shown], wanted, len(classes))(self._test_rows)
        return float(np.mean([classes[number] == true for number, true in zip(said, self._true, strict=True)]))


class Straight:
    """Encoders trained on the fleet's pairs: labels of one modality's embeddings tell those of another one."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self._fleet, self._seed = fleet, seed

    def accuracy(self, given: Mapping[str, Label], kind: int) -> float:
        """Of new people's samples by that kind's own modality, by the nearest class centre of the other kind's."""
        fleet, classes = self._fleet, ordered_classes(given.values())
        samples = [one for one in fleet.samples if one.sample_id in given]
        rows = self._embed(fleet.own[1 - kind], samples)
        centres = nearest_centre(rows, [classes.index(given[one.sample_id]) for one in samples], len(classes))
        said = centres(self._embed(fleet.own[kind], fleet.test))
        return float(np.mean([classes[number] == one.label for number, one in zip(said, fleet.test, strict=True)]))

    def _embed(self, modality: str | None, samples: Sequence[Sample]) -> np.ndarray:
        assert modality is not None, "both kinds have a modality of their own"
        embed = EncoderFunction(self._fleet.settings.specs[modality], self._weights[modality])
        return np.asarray(embed(np.stack([one.scaled(modality) for one in samples])))

    @cached_property
    def _weights(self) -> Mapping[str, Mapping[str, np.ndarray]]:
        fleet = self._fleet
        settings = spread_steps(TrainerSettings(seed=self._seed), len(fleet.samples), N_STEPS)
        samples = {one.sample_id: one for one in fleet.samples}
        shared = fleet.settings.shared_modality
        return weights_of(replay_bindings(fleet.bindings, samples, fleet.settings.specs, shared, settings))


def _unit(rows: np.ndarray) -> np.ndarray:
    unit: np.ndarray = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return unit.astype(np.float32)
