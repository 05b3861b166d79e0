"""What `mmbind finetune` is asked, and what it makes of that: samples to learn from and samples to judge on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streams.records import Label, Sample
from trainer.downstream.classification import confusion_matrix
from trainer.downstream.finetune import Method, ordered_classes


@dataclass(frozen=True, slots=True, eq=False)
class FinetunePlan:
    """What to tune and on what it is judged; without `test_sources` a third of the sources, chosen by the seed."""

    labels_per_class: int
    method: Method
    modalities: Sequence[str] = ()
    test_sources: Sequence[str] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class FinetuneTask:
    """Labelled samples to learn from and to judge on, and the classes that have a label, in order.

    `unlabelled` are all samples of the sources that gave labels.
    """

    plan: FinetunePlan
    modalities: tuple[str, ...]
    few: Sequence[Sample]
    test: Sequence[Sample]
    known: tuple[Label, ...]
    unlabelled: Sequence[Sample] = ()

    @property
    def targets(self) -> list[int]:
        """The class of each sample to learn from, by its place in `known`."""
        return [self.known.index(one.label) for one in self.few if one.label is not None]

    @property
    def classes(self) -> list[Label]:
        """All classes in order, those that only samples to judge on have among them."""
        return ordered_classes(one.label for one in (*self.few, *self.test))

    def right(self, said: Sequence[Label]) -> list[bool]:
        """Whether what was said is true, of each sample to judge on."""
        return [sample.label == label for sample, label in zip(self.test, said, strict=True)]

    def confusion(self, said: Sequence[Label]) -> np.ndarray:
        """How often each class was taken for which: rows true, columns said, in the order of `classes`."""
        classes = self.classes
        true = [classes.index(one.label) for one in self.test if one.label is not None]
        return confusion_matrix(true, [classes.index(one) for one in said], len(classes))
