"""A classifier from few labels on a model by one method, and what it says of the samples to judge on."""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from deploy.downstream.embed import loaded
from deploy.downstream.labels_only import descriptor_blocks, descriptors
from deploy.downstream.task import FinetunePlan, FinetuneTask
from encoders.bundle import ModelBundle
from streams.features import FeatureMaker
from streams.records import Label, Sample
from trainer.downstream.embedding import embed_samples, features_of_samples
from trainer.downstream.finetune import Classifier, FullTuning, Weights, linear_probe, nearest_centre
from trainer.downstream.ridge import FeatureClassifier, learn_classes

AnyClassifier: TypeAlias = Classifier | FeatureClassifier


def tuned(bundle: ModelBundle, task: FinetuneTask) -> tuple[ModelBundle, AnyClassifier]:
    """The model as the method left it, with the task's modalities only, and the classifier on top of it."""
    plan, modalities, n_classes = task.plan, task.modalities, len(task.known)
    if plan.method == "features":
        maker = FeatureMaker(loaded(bundle), modalities)
        rows, others = (features_of_samples(maker, one) for one in (task.few, task.unlabelled))
        found = learn_classes(rows, task.targets, n_classes, maker.blocks, others)
        return _descended(bundle, bundle.weights, modalities, plan), found
    rows = embed_samples(loaded(bundle), task.few, modalities)
    classifier = (nearest_centre if plan.method == "centre" else linear_probe)(rows, task.targets, n_classes)
    if plan.method != "full":
        return _descended(bundle, bundle.weights, modalities, plan), classifier
    specs = {spec.name: spec for spec in bundle.manifest.modalities if spec.name in modalities}
    tuning = FullTuning(specs, bundle.weights, classifier, plan.seed)
    tuning.train(task.few, task.targets)
    return _descended(bundle, tuning.weights(), modalities, plan), tuning.classifier()


def said_by(bundle: ModelBundle, classifier: AnyClassifier, task: FinetuneTask) -> list[Label]:
    """What the classifier on top of the model says of each sample to judge on."""
    return [task.known[one] for one in classifier(_rows(bundle, classifier, task.test, task.modalities))]


def said_by_descriptors(bundle: ModelBundle, task: FinetuneTask) -> list[Label]:
    """What is said without any encoder, by descriptors alone that are learned from as features are."""
    specs = [spec for spec in bundle.manifest.modalities if spec.name in task.modalities]
    rows, others, asked = (descriptors(one, specs) for one in (task.few, task.unlabelled, task.test))
    classifier = learn_classes(rows, task.targets, len(task.known), descriptor_blocks(specs), others)
    return [task.known[one] for one in classifier(asked)]


def _rows(
    bundle: ModelBundle, classifier: AnyClassifier, samples: Sequence[Sample], modalities: Sequence[str]
) -> np.ndarray:
    if isinstance(classifier, FeatureClassifier):
        return features_of_samples(FeatureMaker(loaded(bundle), modalities), samples)
    return embed_samples(loaded(bundle), samples, modalities)


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
