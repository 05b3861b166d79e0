"""Embedding and fine-tuning on files of a synthetic world, by a published model."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.downstream.embed import loaded
from deploy.downstream.labels_only import DESCRIPTORS, UNTRAINED, descriptor_blocks, descriptors, untrained
from encoders.bundle import load_bundle, save_bundle
from streams.features import FeatureMaker
from streams.similarity.descriptor import Descriptor
from streams.testing import SyntheticWorld
from tests.support.commands import asked, refusal, run
from trainer.downstream.finetune import few_labelled, nearest_centre

N_CLASSES = 3


@pytest.mark.parametrize("method", ["features", "linear", "centre", "full"])
def test_every_method_beats_guessing_on_classes_that_can_be_told_apart(
    place: Path, tmp_path: Path, method: str
) -> None:
    report, picture, out = tmp_path / "r.json", tmp_path / "p.png", tmp_path / "tuned"
    told = asked(place, "finetune", "--labels-per-class", "5", "--method", method, "--report", str(report))
    run([*told, "--picture", str(picture), "--out", str(out)])
    found = json.loads(report.read_text())
    assert found["accuracy"] > 1.5 * max(found["chance"]["accuracy"], found["majority"]["accuracy"])
    assert found["macro_f1"] > 1.5 * max(found["chance"]["macro_f1"], found["majority"]["macro_f1"])
    assert found["chance"]["accuracy"] == pytest.approx(1 / N_CLASSES)
    assert sum(map(sum, found["confusion"])) == found["n_test"] == 40
    assert not set(found["train_sources"]) & set(found["test_sources"])
    assert len(found["accuracy_by_modalities"]) == len({one[-1] in "024" for one in found["test_sources"]})
    assert picture.read_bytes().startswith(b"\x89PNG")
    bundle = load_bundle(out)
    is_moved = any(
        not np.array_equal(array, load_bundle(place / "models" / "v1").weights[name][key])
        for name, arrays in bundle.weights.items()
        for key, array in arrays.items()
    )
    assert is_moved == (method == "full")
    with np.load(out / "classifier.npz", allow_pickle=False) as classifier:
        dim = FeatureMaker(loaded(bundle)).dim if method == "features" else 16
        assert classifier["weight"].shape == (N_CLASSES, dim)
        assert ("mean" in classifier) == ("scale" in classifier) == (method == "features")
    assert [one["what"] for one in found["labels_only"]] == [UNTRAINED, DESCRIPTORS]
    assert [one["what"] for one in found["same_model"]] == ["linear" if method == "features" else "features"]
    for one in (*found["labels_only"], *found["same_model"]):
        assert one["gain"]["difference"] == pytest.approx(found["accuracy"] - one["scores"]["accuracy"])
    # With descriptors beside them maps of untrained encoders tell these few classes apart, too.
    assert found["labels_only"][0]["gain"]["difference"] > 0 or method == "features"


@pytest.mark.parametrize("method", ["features", "linear", "centre", "full"])
def test_a_stream_that_taught_nothing_brought_nothing(place: Path, tmp_path: Path, method: str) -> None:
    bundle = load_bundle(place / "models" / "v1")
    names = [spec.name for spec in bundle.manifest.modalities]
    save_bundle(untrained(bundle, names, seed=4), tmp_path / "models" / "v1")
    told = ["finetune", str(place / "world.npz"), "--version", "1", "--root", str(tmp_path / "models")]
    said = run([*told, "--labels-per-class", "5", "--method", method, "--seed", "4", "--report", str(tmp_path / "r")])
    control = json.loads((tmp_path / "r").read_text())["labels_only"][0]
    assert control["gain"] == {"difference": 0.0, "error": 0.0}
    assert "labels only: untrained" in said
    assert "+0.0 ± 0.0, may be chance" in said


def test_descriptors_of_what_a_sample_lacks_are_zeros() -> None:
    world = SyntheticWorld(4, 3)
    samples, specs = list(world.samples(3)), [world.specs["gravity"], world.specs["gyroscope"]]
    rows = descriptors(samples, specs)
    for spec, block in zip(specs, descriptor_blocks(specs), strict=True):
        there = [row for row, sample in enumerate(samples) if spec.name in sample.windows]
        wanted = Descriptor(spec)(np.stack([samples[row].windows[spec.name] for row in there]))
        assert np.array_equal(rows[there, block.columns], wanted)
        assert not np.delete(rows[:, block.columns], there, axis=0).any()


def test_features_and_the_aligned_embedding_of_one_model_stand_side_by_side(place: Path, tmp_path: Path) -> None:
    """What is said beside is what the other method says of itself, from the same labels."""
    reports = {}
    for method in ("features", "linear"):
        told = asked(place, "finetune", "--labels-per-class", "3", "--method", method)
        run([*told, "--report", str(tmp_path / method)])
        reports[method] = json.loads((tmp_path / method).read_text())
    for method, other in (("features", "linear"), ("linear", "features")):
        beside = reports[method]["same_model"][0]
        assert beside["what"] == other and beside["scores"]["accuracy"] == reports[other]["accuracy"]


def test_the_same_seed_gives_the_same_figures(place: Path, tmp_path: Path) -> None:
    told = asked(place, "finetune", "--labels-per-class", "2", "--test-source", "node-03", "--seed", "4", "--report")
    for name in ("a", "b"):
        run([*told, str(tmp_path / name)])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert json.loads((tmp_path / "a").read_text())["test_sources"] == ["node-03"]


def test_labels_are_as_many_of_each_class() -> None:
    chosen = few_labelled(list(SyntheticWorld(4, 3).samples(10)), 4, seed=0)
    assert set(Counter(one.label for one in chosen).values()) == {4}


def test_the_nearest_centre_is_that_of_the_distances_written_out() -> None:
    rng = np.random.default_rng(0)
    rows, classes = rng.normal(size=(12, 4)), [0, 1, 2] * 4
    centres = np.stack([rows[one::3].mean(0) for one in range(3)])
    by_hand = np.linalg.norm(rows[:, None] - centres[None], axis=2).argmin(1)
    assert nearest_centre(rows, classes, 3)(rows).tolist() == by_hand.tolist()


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        (["--method", "magic"], "--method magic: wanted one of features, linear, centre, full"),
        (["--modality", "sonar"], "--modality sonar: wanted one that model and recordings have: acceleration, gravity"),
        (["--test-source", "node-99"], "--test-source node-99: wanted one with labels: node-00"),
        (["--version", "7"], "--version 7: no such version below"),
        (["--channel", "stable"], "--version 1 and --channel stable: wanted one of the two"),
        ([f"--test-source=node-0{i}" for i in range(6)], "--test-source: all 6 sources, wanted one left"),
    ],
)
def test_what_is_wrong_is_named_with_what_was_wanted(place: Path, more: list[str], wanted: str) -> None:
    assert wanted in refusal([*asked(place, "finetune", "--labels-per-class", "3"), *more])


def test_fewer_than_one_label_is_refused(place: Path) -> None:
    result = CliRunner().invoke(app, asked(place, "finetune", "--labels-per-class", "0"))
    assert result.exit_code == 2
    assert "--labels-per-class" in result.output
