"""`mmbind finetune`: how far few labels carry on a model's embeddings, judged on sources that gave no label."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from deploy.cli_output import CommandError, WrongInput
from deploy.embed import chosen_modalities, loaded, usable_samples
from deploy.recordings import Recordings
from encoders.bundle import ModelBundle, save_bundle
from streams.records import Label, Sample
from streams.settings import StreamSettings
from trainer.classification import ClassScores, chance_scores, confusion_matrix, majority_scores, scores
from trainer.embedding import embed_samples
from trainer.finetune import (
    Classifier,
    FullTuning,
    Method,
    Weights,
    few_labelled,
    linear_probe,
    nearest_centre,
    ordered_classes,
    split_sources,
)


@dataclass(frozen=True, slots=True, eq=False)
class FinetunePlan:
    """What to tune and on what it is judged; without `test_sources` a third of the sources, chosen by the seed."""

    labels_per_class: int
    method: Method
    modalities: Sequence[str] = ()
    test_sources: Sequence[str] = ()
    seed: int = 0


class FinetuneReport(msgspec.Struct, frozen=True, kw_only=True):
    """The figures. `confusion` has a row for each true class, in the order of `classes`.

    `classes_without_label` occur in the test only and can never be said; `classes_short_of_labels` had fewer labels
    than asked.
    """

    recordings: str
    model_version: int
    method: str
    modalities: tuple[str, ...]
    seed: int
    labels_per_class: int
    n_labelled: int
    n_test: int
    train_sources: tuple[str, ...]
    test_sources: tuple[str, ...]
    accuracy: float
    macro_f1: float
    chance: ClassScores
    majority: ClassScores
    accuracy_by_modalities: dict[str, tuple[float, int]]
    classes: tuple[Label, ...]
    classes_without_label: tuple[Label, ...]
    classes_short_of_labels: tuple[Label, ...]
    confusion: list[list[int]]


@dataclass(frozen=True, slots=True, eq=False)
class Finetuned:
    """What came of it: the report, and the model with its classifier over `classes`."""

    report: FinetuneReport
    bundle: ModelBundle
    classifier: Classifier
    classes: tuple[Label, ...]

    def save(self, folder: Path) -> None:
        """Writes the encoders as a bundle and the classifier beside them, `classifier.npz`.

        Raises:
            CommandError: If the folder is there already.
        """
        if folder.exists():
            raise CommandError(f"--out {folder}: is there already, wanted a new folder")
        save_bundle(self.bundle, folder)
        arrays = {"weight": self.classifier.weight, "bias": self.classifier.bias}
        np.savez(folder / "classifier.npz", allow_pickle=False, classes=np.array(self.classes), **arrays)


def finetune(recordings: Recordings, settings: StreamSettings, bundle: ModelBundle, plan: FinetunePlan) -> Finetuned:
    """Takes few labels from some sources, tunes, and judges on all labelled samples of the others.

    Raises:
        WrongInput: If recordings, modalities, sources and model do not fit together, or there are too few labels.
    """
    modalities = chosen_modalities(settings.sensors, bundle.manifest.modalities, plan.modalities)
    version = bundle.manifest.version
    samples = [one for one in usable_samples(recordings, settings, modalities)[0] if one.label is not None]
    test_sources = _test_sources(samples, plan)
    train = [one for one in samples if one.source_id not in test_sources]
    test = [one for one in samples if one.source_id in test_sources]
    few = few_labelled(train, plan.labels_per_class, plan.seed)
    known = ordered_classes(one.label for one in few)
    if len(known) < 2:
        raise WrongInput(f"label: {len(known)} class in the sources that are not tested, wanted at least 2")
    bundle, classifier = _tuned(bundle, few, known, modalities, plan)
    said = classifier(embed_samples(loaded(bundle), test, modalities))
    report = _report(recordings.name, plan, modalities, (few, test), [known[one] for one in said], version)
    return Finetuned(report, bundle, classifier, tuple(known))


def _test_sources(samples: Sequence[Sample], plan: FinetunePlan) -> frozenset[str]:
    sources = sorted({one.source_id for one in samples})
    shown = ", ".join(sources) or "none"
    if unknown := sorted(set(plan.test_sources) - set(sources)):
        raise WrongInput(f"--test-source {unknown[0]}: wanted one with labels: {shown}")
    if len(sources) < 2:
        raise WrongInput(f"label: sources that have any: {shown}; wanted at least 2, one to learn from, one to test")
    found = split_sources(samples, plan.test_sources, plan.seed)
    if len(found) == len(sources):
        raise WrongInput(f"--test-source: all {len(sources)} sources, wanted one left to learn from")
    return found


def _tuned(
    bundle: ModelBundle, few: Sequence[Sample], known: Sequence[Label], modalities: Sequence[str], plan: FinetunePlan
) -> tuple[ModelBundle, Classifier]:
    classes = [known.index(one.label) for one in few if one.label is not None]
    rows = embed_samples(loaded(bundle), few, modalities)
    if plan.method == "centre":
        return _descended(bundle, bundle.weights, modalities, plan), nearest_centre(rows, classes, len(known))
    probe = linear_probe(rows, classes, len(known))
    if plan.method == "linear":
        return _descended(bundle, bundle.weights, modalities, plan), probe
    specs = {spec.name: spec for spec in bundle.manifest.modalities if spec.name in modalities}
    tuning = FullTuning(specs, bundle.weights, probe, plan.seed)
    tuning.train(few, classes)
    return _descended(bundle, tuning.weights(), modalities, plan), tuning.classifier()


def _descended(bundle: ModelBundle, weights: Weights, modalities: Sequence[str], plan: FinetunePlan) -> ModelBundle:
    parent = bundle.manifest
    manifest = msgspec.structs.replace(
        parent,
        version=parent.version + 1,
        parent=parent.version,
        modalities=tuple(spec for spec in parent.modalities if spec.name in modalities),
        files=(),
        evaluation={},
        settings={**parent.settings, "finetune": {"method": plan.method, "labels_per_class": plan.labels_per_class}},
        seed=plan.seed,
    )
    return ModelBundle(manifest, {name: weights[name] for name in modalities})


def _report(
    name: str,
    plan: FinetunePlan,
    modalities: tuple[str, ...],
    parts: tuple[Sequence[Sample], Sequence[Sample]],
    said: Sequence[Label],
    version: int,
) -> FinetuneReport:
    few, test = parts
    classes = ordered_classes([*(one.label for one in few), *(one.label for one in test)])
    n_labels = Counter(one.label for one in few)
    confusion = confusion_matrix(
        [classes.index(one.label) for one in test if one.label is not None],
        [classes.index(one) for one in said],
        len(classes),
    )
    found, n_true = scores(confusion), confusion.sum(1).tolist()
    return FinetuneReport(
        recordings=name,
        model_version=version,
        method=plan.method,
        modalities=modalities,
        seed=plan.seed,
        labels_per_class=plan.labels_per_class,
        n_labelled=len(few),
        n_test=len(test),
        train_sources=tuple(sorted({one.source_id for one in few})),
        test_sources=tuple(sorted({one.source_id for one in test})),
        accuracy=found.accuracy,
        macro_f1=found.macro_f1,
        chance=chance_scores(n_true, [one in n_labels for one in classes]),
        majority=majority_scores(n_true),
        accuracy_by_modalities=_by_modalities(test, said),
        classes=tuple(classes),
        classes_without_label=tuple(one for one in classes if one not in n_labels),
        classes_short_of_labels=tuple(one for one in classes if 0 < n_labels[one] < plan.labels_per_class),
        confusion=confusion.tolist(),
    )


def _by_modalities(test: Sequence[Sample], said: Sequence[Label]) -> dict[str, tuple[float, int]]:
    right: dict[str, list[bool]] = defaultdict(list)
    for sample, label in zip(test, said, strict=True):
        right["+".join(sorted(sample.windows))].append(sample.label == label)
    return {names: (float(np.mean(ones)), len(ones)) for names, ones in sorted(right.items())}
