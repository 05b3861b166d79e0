"""How far a few labels on one kind of nodes came to another kind, in a finished run. Performs no I/O."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from encoders.modality import ModalitySpec
from streams.labels import LABEL
from streams.records import Binding, Label, Sample
from trainer.downstream.finetune import few_labelled, linear_probe, ordered_classes
from trainer.labelling.described import DescribedSample, described, unit_rows
from trainer.labelling.graph import latest
from trainer.labelling.labelling import label_all

LABELS_PER_CLASS = 5


class LabelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of the samples of the kind `told` that are right and not known; `classifier_right` by the shared sensor.

    Both from the same `n_labels`, at most five a class, on nodes of the kind `labelled`; a kind is its modalities.
    """

    labelled: str
    told: str
    n_labels: int
    n_told: int
    right: float
    not_known: float
    classifier_right: float


def judge_labels(
    bindings: Sequence[Binding], samples: Sequence[Sample], specs: Mapping[str, ModalitySpec], shared: str
) -> LabelFigures | None:
    """What few labels of the more common of two kinds of nodes tell of the other one; None where there are not two.

    Args:
        bindings: Of the run, in order.
        samples: With their true labels, of which all but the few are only judged by.
        specs: Modalities by name.
        shared: The modality that binds.
    """
    seen = [one for one in samples if not one.held_out and one.label is not None and shared in one.windows]
    kinds = [_kind(one, shared) for one in seen]
    common = Counter(kind for kind in kinds if kind).most_common(2)
    if shared == LABEL or len(common) < 2:
        return None
    labelled, told = common[0][0], common[1][0]
    few = few_labelled(
        [one for one, kind in zip(seen, kinds, strict=True) if kind == labelled], LABELS_PER_CLASS, seed=0
    )
    given = {one.sample_id: one.label for one in few if one.label is not None}
    small = described(seen, specs)
    found = label_all(small, latest(bindings), given, shared)
    by_classifier = _by_classifier(small, given, shared)
    places = [place for place, kind in enumerate(kinds) if kind == told]
    best = [found.best(place) for place in places]
    true = [seen[place].label for place in places]
    return LabelFigures(
        labelled=labelled,
        told=told,
        n_labels=len(given),
        n_told=len(places),
        right=float(np.mean([one is not None and one[0] == label for one, label in zip(best, true, strict=True)])),
        not_known=float(np.mean([one is None for one in best])),
        classifier_right=float(np.mean([by_classifier[p] == label for p, label in zip(places, true, strict=True)])),
    )


def _kind(sample: Sample, shared: str) -> str:
    """What its node has besides the shared modality."""
    return " + ".join(sorted(set(sample.windows) - {shared}))


def _by_classifier(samples: Sequence[DescribedSample], given: Mapping[str, Label], shared: str) -> list[Label]:
    rows, classes = unit_rows(samples, shared), ordered_classes(given.values())
    known = [place for place, one in enumerate(samples) if one.sample_id in given]
    wanted = [classes.index(given[samples[place].sample_id]) for place in known]
    return [classes[number] for number in linear_probe(rows[known], wanted, len(classes))(rows)]
