"""A version trained again from the trainer's checkpoints, its Bindings and its samples."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from encoders.bundle import ModelBundle, pack_bundle
from encoders.manifest import ModelManifest
from streams.records import Binding
from tests.support.recorded import recorded, small_settings
from tests.support.training import Trainer, filled, run, trainer_of
from trainer.checkpoints.checkpoint import CheckpointFolder
from trainer.learner import Learner
from trainer.pace import Pace, Pacing
from trainer.replay.buffer import Identity
from trainer.retraining.course import CannotRetrace, Course, course_to, retraced

RECORD = recorded(n_slots=24)
SETTINGS = small_settings(publish_every_s=0)
BINDINGS: Mapping[Identity, Binding] = {(one.sample_id, one.round): one for one in RECORD.bindings}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Trainer, CheckpointFolder]]:
    """A trainer that went through the record, and its checkpoints: more than are kept whole."""
    folder = CheckpointFolder(tmp_path_factory.mktemp("checkpoints"), kept=3)
    trainer = trainer_of(RECORD, filled(RECORD), folder, settings=SETTINGS)
    with pytest.MonkeyPatch.context() as patched:
        # Steps are taken between the Bindings of a checkpoint, too.
        patched.setattr(Pacing, "choose", lambda self, n_waiting: Pace(n_new=7, n_steps=2, n_cycles=2))
        run(trainer)
    assert len(manifests(trainer)) > 3
    yield trainer, folder


def manifests(trainer: Trainer) -> dict[int, ModelManifest]:
    return trainer.models.refresh().manifests


def again(course: Course, bindings: Mapping[Identity, Binding] = BINDINGS) -> Learner:
    return retraced(course, RECORD.world.specs, RECORD.world.shared, SETTINGS, bindings, RECORD.samples)


def sums(manifest: ModelManifest) -> list[str]:
    return sorted(file.sha256 for file in manifest.files)


def sums_of(manifest: ModelManifest, learner: Learner) -> list[str]:
    return sums(pack_bundle(ModelBundle(manifest, learner.trained_weights()), "any")[0])


def test_every_version_comes_out_the_same_from_the_nearest_checkpoint(
    made: tuple[Trainer, CheckpointFolder],
) -> None:
    trainer, folder = made
    bases = []
    for version, manifest in sorted(manifests(trainer).items()):
        course = course_to(manifest, folder)
        bases.append(course.base.number if course.base else 0)
        assert sums_of(manifest, again(course)) == sums(manifest)
        assert course.n_steps > 0, version
    # Few are whole; versions of older ones are trained from the beginning.
    assert bases[-1] > 0 and set(bases[:-2]) == {0}


def test_another_binding_gives_another_version(made: tuple[Trainer, CheckpointFolder]) -> None:
    trainer, folder = made
    manifest = manifests(trainer)[4]
    course = course_to(manifest, folder)
    changed = {one: msgspec.structs.replace(made, partners=()) for one, made in BINDINGS.items()}
    assert sums_of(manifest, again(course, changed)) != sums(manifest)


def test_says_what_is_missing(made: tuple[Trainer, CheckpointFolder], tmp_path: Path) -> None:
    trainer, folder = made
    manifest = manifests(trainer)[2]
    course = course_to(manifest, folder)
    some = {one: made for one, made in BINDINGS.items() if one != course.pasts[0].admissions[0]}
    with pytest.raises(CannotRetrace, match=r"1 of \d+ Bindings are missing"):
        again(course, some)
    other = msgspec.structs.replace(manifest, lineage="another")
    with pytest.raises(CannotRetrace, match=r"version 2 was made after .* steps of training another: no checkpoint"):
        course_to(other, folder)
    with pytest.raises(CannotRetrace, match="no checkpoint"):
        course_to(msgspec.structs.replace(manifest, evaluation={}), folder)

    copied = tmp_path / "copied"
    shutil.copytree(folder.root, copied)
    shutil.rmtree(copied / "1")
    with pytest.raises(CannotRetrace, match=r"version 2: of the checkpoints before it .* before checkpoint 2 are gone"):
        course_to(manifest, CheckpointFolder(copied))
