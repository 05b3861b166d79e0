"""`mmbind finetune`: how far few labels carry on a model's embeddings, judged on sources that gave no label."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from deploy.downstream.embed import chosen_modalities, loaded, usable_samples
from deploy.downstream.labels_only import FEATURES, UNTRAINED, LabelsOnly, plain_features, untrained
from deploy.downstream.task import FinetunePlan, FinetuneTask
from deploy.errors import CommandError, WrongInput
from deploy.recordings.recordings import Recordings
from encoders.bundle import ModelBundle, save_bundle
from streams.records import Label, Sample
from streams.settings import StreamSettings
from trainer.downstream.classification import (
    ClassScores,
    chance_scores,
    gain,
    majority_scores,
    scores,
)
from trainer.downstream.embedding import embed_samples
from trainer.downstream.finetune import (
    Classifier,
    FullTuning,
    Weights,
    few_labelled,
    linear_probe,
    nearest_centre,
    ordered_classes,
    split_sources,
)


class FinetuneReport(msgspec.Struct, frozen=True, kw_only=True):
    """The figures. `confusion` has a row for each true class, in the order of `classes`.

    `classes_without_label` occur in the test only and can never be said; `classes_short_of_labels` had fewer labels
    than asked. `labels_only` are classifiers from the same labels that no unlabelled stream has helped.
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
    labels_only: tuple[LabelsOnly, ...]
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
    samples = [one for one in usable_samples(recordings, settings, modalities)[0] if one.label is not None]
    test_sources = _test_sources(samples, plan)
    few = few_labelled([one for one in samples if one.source_id not in test_sources], plan.labels_per_class, plan.seed)
    known = ordered_classes(one.label for one in few)
    if len(known) < 2:
        raise WrongInput(f"label: {len(known)} class in the sources that are not tested, wanted at least 2")
    task = FinetuneTask(plan, modalities, few, [one for one in samples if one.source_id in test_sources], tuple(known))
    tuned, classifier = _tuned(bundle, task)
    said = _said(tuned, classifier, task)
    report = _report(recordings.name, task, said, bundle.manifest.version, _labels_only(bundle, task, said))
    return Finetuned(report, tuned, classifier, task.known)


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


def _tuned(bundle: ModelBundle, task: FinetuneTask) -> tuple[ModelBundle, Classifier]:
    plan, modalities = task.plan, task.modalities
    rows = embed_samples(loaded(bundle), task.few, modalities)
    if plan.method != "full":
        return _descended(bundle, bundle.weights, modalities, plan), _classifier(rows, task)
    specs = {spec.name: spec for spec in bundle.manifest.modalities if spec.name in modalities}
    tuning = FullTuning(specs, bundle.weights, _classifier(rows, task), plan.seed)
    tuning.train(task.few, task.targets)
    return _descended(bundle, tuning.weights(), modalities, plan), tuning.classifier()


def _classifier(rows: np.ndarray, task: FinetuneTask) -> Classifier:
    fit = nearest_centre if task.plan.method == "centre" else linear_probe
    return fit(rows, task.targets, len(task.known))


def _said(bundle: ModelBundle, classifier: Classifier, task: FinetuneTask) -> list[Label]:
    return [task.known[one] for one in classifier(embed_samples(loaded(bundle), task.test, task.modalities))]


def _labels_only(bundle: ModelBundle, task: FinetuneTask, said: Sequence[Label]) -> tuple[LabelsOnly, ...]:
    """The same method from encoders that were never trained, and a classifier on features that need no training."""
    specs = [spec for spec in bundle.manifest.modalities if spec.name in task.modalities]
    controls = {UNTRAINED: _said(*_tuned(untrained(bundle, task.modalities, task.plan.seed), task), task)}
    classifier = _classifier(plain_features(task.few, specs), task)
    controls[FEATURES] = [task.known[one] for one in classifier(plain_features(task.test, specs))]
    groups = [(one.source_id, one.label) for one in task.test]
    return tuple(
        LabelsOnly(
            what=what,
            scores=scores(task.confusion(other)),
            gain=gain(task.right(said), task.right(other), groups),
        )
        for what, other in controls.items()
    )


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
    name: str, task: FinetuneTask, said: Sequence[Label], version: int, labels_only: tuple[LabelsOnly, ...]
) -> FinetuneReport:
    plan, few, test = task.plan, task.few, task.test
    classes = task.classes
    n_labels = Counter(one.label for one in few)
    confusion = task.confusion(said)
    found, n_true = scores(confusion), confusion.sum(1).tolist()
    return FinetuneReport(
        recordings=name,
        model_version=version,
        method=plan.method,
        modalities=task.modalities,
        seed=plan.seed,
        labels_per_class=plan.labels_per_class,
        n_labelled=len(few),
        n_test=len(test),
        train_sources=tuple(sorted({one.source_id for one in few})),
        test_sources=tuple(sorted({one.source_id for one in test})),
        accuracy=found.accuracy,
        macro_f1=found.macro_f1,
        labels_only=labels_only,
        chance=chance_scores(n_true, [one in n_labels for one in classes]),
        majority=majority_scores(n_true),
        accuracy_by_modalities=_by_modalities(test, task.right(said)),
        classes=tuple(classes),
        classes_without_label=tuple(one for one in classes if one not in n_labels),
        classes_short_of_labels=tuple(one for one in classes if 0 < n_labels[one] < plan.labels_per_class),
        confusion=confusion.tolist(),
    )


def _by_modalities(test: Sequence[Sample], right: Sequence[bool]) -> dict[str, tuple[float, int]]:
    found: dict[str, list[bool]] = defaultdict(list)
    for sample, is_right in zip(test, right, strict=True):
        found["+".join(sorted(sample.windows))].append(is_right)
    return {names: (float(np.mean(ones)), len(ones)) for names, ones in sorted(found.items())}
