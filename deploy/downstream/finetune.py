"""`mmbind finetune`: how far few labels carry on a model's embeddings, judged on sources that gave no label."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from deploy.downstream.embed import chosen_modalities, usable_samples
from deploy.downstream.labels_only import DESCRIPTORS, UNTRAINED, Comparison, untrained
from deploy.downstream.task import FinetunePlan, FinetuneTask
from deploy.downstream.tuning import AnyClassifier, said_by, said_by_descriptors, tuned
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
from trainer.downstream.finetune import Method, few_labelled, ordered_classes, split_sources
from trainer.downstream.ridge import FeatureClassifier
from trainer.newest_scaling import NewestScaling


class FinetuneReport(msgspec.Struct, frozen=True, kw_only=True):
    """The figures. `confusion` has a row for each true class, in the order of `classes`.

    `classes_without_label` occur in the test only and can never be said; `classes_short_of_labels` had fewer labels
    than asked. `labels_only` are classifiers from the same labels that no unlabelled stream has helped, `same_model`
    is what the aligned embedding gives where features were learned from, and features where they were not.
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
    labels_only: tuple[Comparison, ...]
    same_model: tuple[Comparison, ...]
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
    classifier: AnyClassifier
    classes: tuple[Label, ...]

    def save(self, folder: Path) -> None:
        """Writes the encoders as a bundle and the classifier beside them, `classifier.npz`.

        One over features has `mean` and `scale`, by which its columns are standardised, too.

        Raises:
            CommandError: If the folder is there already.
        """
        if folder.exists():
            raise CommandError(f"--out {folder}: is there already, wanted a new folder")
        save_bundle(self.bundle, folder)
        arrays = {"weight": self.classifier.weight, "bias": self.classifier.bias}
        if isinstance(self.classifier, FeatureClassifier):
            arrays |= {"mean": self.classifier.mean, "scale": self.classifier.scale}
        np.savez(folder / "classifier.npz", allow_pickle=False, classes=np.array(self.classes), **arrays)


def finetune(recordings: Recordings, settings: StreamSettings, bundle: ModelBundle, plan: FinetunePlan) -> Finetuned:
    """Takes few labels from some sources, tunes, and judges on all labelled samples of the others.

    Raises:
        WrongInput: If recordings, modalities, sources and model do not fit together, or there are too few labels.
    """
    modalities = chosen_modalities(settings.sensors, bundle.manifest.modalities, plan.modalities)
    samples = usable_samples(recordings, settings, modalities)[0]
    # Units of their arrival cost 5 points on the watch recordings, with five labels a class.
    newest = NewestScaling(samples)
    every = [newest.of(one) for one in samples]
    samples = [one for one in every if one.label is not None]
    test_sources = _test_sources(samples, plan)
    few = few_labelled([one for one in samples if one.source_id not in test_sources], plan.labels_per_class, plan.seed)
    known = ordered_classes(one.label for one in few)
    if len(known) < 2:
        raise WrongInput(f"label: {len(known)} class in the sources that are not tested, wanted at least 2")
    test = [one for one in samples if one.source_id in test_sources]
    unlabelled = [one for one in every if one.source_id not in test_sources]
    task = FinetuneTask(plan, modalities, few, test, tuple(known), unlabelled)
    model, classifier = tuned(bundle, task)
    said = said_by(model, classifier, task)
    report = _report(recordings.name, task, said, bundle.manifest.version, _compared(bundle, task, said))
    return Finetuned(report, model, classifier, task.known)


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


def _compared(
    bundle: ModelBundle, task: FinetuneTask, said: Sequence[Label]
) -> tuple[tuple[Comparison, ...], tuple[Comparison, ...]]:
    """What the same labels give without the unlabelled stream, and by another use of the same model."""
    groups = [(one.source_id, one.label) for one in task.test]
    fresh = untrained(bundle, task.modalities, task.plan.seed)
    without = {
        UNTRAINED: said_by(*tuned(fresh, task), task),
        DESCRIPTORS: said_by_descriptors(bundle, task),
    }
    method: Method = "linear" if task.plan.method == "features" else "features"
    other = replace(task, plan=replace(task.plan, method=method))
    beside = {method: said_by(*tuned(bundle, other), other)}
    without_stream, same_model = (
        tuple(
            Comparison(
                what=what,
                scores=scores(task.confusion(rival)),
                gain=gain(task.right(said), task.right(rival), groups),
            )
            for what, rival in rivals.items()
        )
        for rivals in (without, beside)
    )
    return without_stream, same_model


def _report(
    name: str,
    task: FinetuneTask,
    said: Sequence[Label],
    version: int,
    compared: tuple[tuple[Comparison, ...], tuple[Comparison, ...]],
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
        labels_only=compared[0],
        same_model=compared[1],
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
