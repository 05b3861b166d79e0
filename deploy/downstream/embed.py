"""`mmbind embed`: embeddings and features of recordings by a published model, and the samples that they are of."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from deploy.downstream.stream_scaling import rescaled, told_scalings
from deploy.errors import WrongInput
from deploy.recordings.recordings import Recordings
from encoders.bundle import ModelBundle
from encoders.loaded_model import LoadedModel
from encoders.modality import ModalitySpec
from encoders.nets import load_encoders
from streams.broker.connection import BrokerUnreachable
from streams.broker.log import LogError
from streams.features import FeatureMaker
from streams.intake.recorded import RecordedIntake
from streams.records import Sample, SensorWindow
from streams.settings import StreamSettings
from trainer.downstream.embedding import embed_samples, features_of_samples
from trainer.downstream.finetune import with_some

ScalingOf: TypeAlias = Literal["auto", "own", "stream"]


def assemble(windows: Iterable[SensorWindow], settings: StreamSettings) -> tuple[list[Sample], Counter[str]]:
    """What ingest makes of windows in order of time, scaling included, and how many it refuses by reason."""
    intake = RecordedIntake(settings)
    samples = [one for window in windows for one in intake.completed_by(window)]
    return samples + intake.flush(), intake.refused


def chosen_modalities(
    specs: dict[str, ModalitySpec], bundle_specs: Sequence[ModalitySpec], asked: Sequence[str]
) -> tuple[str, ...]:
    """The modalities asked for, else all that recordings and model share.

    Raises:
        WrongInput: If one is unknown to either, none is left, or a window's shape is another one.
    """
    known = {spec.name: spec for spec in bundle_specs}
    both = sorted(set(known) & set(specs))
    if unknown := sorted(set(asked) - set(both)):
        raise WrongInput(f"--modality {unknown[0]}: wanted one that model and recordings have: {', '.join(both)}")
    if not both:
        raise WrongInput(f"the recordings have {', '.join(specs)}, wanted one of the model's: {', '.join(known)}")
    for name in both:
        got, wanted = ((one.n_steps, one.n_channels) for one in (specs[name], known[name]))
        if got != wanted:
            raise WrongInput(f"{name}: windows of {list(got)} steps and channels, the model wants {list(wanted)}")
    return tuple(sorted(set(asked))) if asked else tuple(both)


def usable_samples(
    recordings: Recordings, settings: StreamSettings, modalities: Sequence[str]
) -> tuple[list[Sample], Counter[str]]:
    """The samples of recordings that have any of the modalities, with those only, and what was refused.

    Raises:
        WrongInput: If there is none.
    """
    samples, refused = assemble(recordings.visible, settings)
    kept = with_some(samples, modalities)
    if not kept:
        why = ", ".join(f"{reason}: {n}" for reason, n in refused.items()) or "nothing"
        raise WrongInput(f"{recordings.name}: no sample has {' or '.join(modalities)}; refused windows: {why}")
    return kept, refused


def loaded(bundle: ModelBundle) -> LoadedModel:
    """The encoders of a bundle, as a follower holds them."""
    return LoadedModel(bundle.manifest, load_encoders(bundle))


def write_embeddings(
    recordings: Recordings,
    settings: StreamSettings,
    bundle: ModelBundle,
    asked: Sequence[str],
    file: Path,
    has_features: bool = False,
    scaling: ScalingOf = "auto",
) -> str:
    """Writes `embedding`, `source`, `start_ns`, `label`, `modalities` and `version`; what was done, in a line.

    With features also `features`, see FeatureMaker, and of each column its `feature_modality` and whether it
    `feature_is_descriptor`. `label` is int64 where all labels are numbers, else text, empty where there is none; absent
    without any label.

    Args:
        scaling: `stream`: nodes that the stream knows have the scaling that it tells; `own`: none has; `auto`: they
            have where the broker answers.

    Raises:
        WrongInput: If recordings, modalities and model do not fit together.
        BrokerUnreachable: If the stream must be asked, and the broker cannot be used.
        LogError: If the stream must be asked, and its topic cannot be read.
    """
    modalities = chosen_modalities(settings.sensors, bundle.manifest.modalities, asked)
    samples, refused = usable_samples(recordings, settings, modalities)
    samples, scaled = _as_scaled(samples, settings, scaling)
    arrays = {
        "embedding": embed_samples(loaded(bundle), samples, modalities),
        "source": np.array([one.source_id for one in samples]),
        "start_ns": np.array([one.start_ns for one in samples], np.int64),
        "modalities": np.array(["+".join(sorted(one.windows)) for one in samples]),
        "version": np.array(bundle.manifest.version, np.int64),
        **_labels(samples),
        **(_features(bundle, samples, modalities) if has_features else {}),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:
        np.savez(opened, allow_pickle=False, **arrays)
    told = f"{len(samples)} embeddings of {arrays['embedding'].shape[1]} by version {bundle.manifest.version}: {file}"
    told += f", {scaled}"
    if has_features:
        told += f", and features of {arrays['features'].shape[1]}"
    return told + (f"; windows refused: {dict(refused)}" if refused else "")


def _as_scaled(samples: list[Sample], settings: StreamSettings, scaling: ScalingOf) -> tuple[list[Sample], str]:
    """The samples as they are to be scaled, and in words how that is."""
    if scaling == "own":
        return samples, "scaled by these recordings alone"
    try:
        told = told_scalings(settings)
    except (BrokerUnreachable, LogError) as error:
        if scaling == "stream":
            raise
        return samples, f"scaled by these recordings alone, since the stream cannot be asked ({error})"
    samples, n_known = rescaled(samples, told)
    return samples, f"{n_known} of {len({one.source_id for one in samples})} nodes scaled as the stream has them"


def _features(bundle: ModelBundle, samples: Sequence[Sample], modalities: Sequence[str]) -> dict[str, np.ndarray]:
    maker = FeatureMaker(loaded(bundle), modalities)
    widths = [one.n_columns for one in maker.blocks]
    return {
        "features": features_of_samples(maker, samples),
        "feature_modality": np.repeat([one.modality for one in maker.blocks], widths),
        "feature_is_descriptor": np.repeat([one.is_descriptor for one in maker.blocks], widths),
    }


def _labels(samples: Sequence[Sample]) -> dict[str, np.ndarray]:
    labels = [one.label for one in samples]
    if all(label is None for label in labels):
        return {}
    if all(isinstance(label, int) for label in labels):
        return {"label": np.array(labels, np.int64)}
    return {"label": np.array(["" if label is None else str(label) for label in labels])}
