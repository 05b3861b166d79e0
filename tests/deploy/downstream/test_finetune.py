"""Embedding and fine-tuning on files of a synthetic world, by a published model."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.downstream.embed import assemble
from deploy.downstream.labels_only import FEATURES, UNTRAINED, plain_features, untrained
from deploy.recordings.files import read_recordings
from deploy.replay.plan import ReplayPlan
from encoders.bundle import ModelBundle, load_bundle, save_bundle
from encoders.errors import UsageError
from encoders.manifest import ModelManifest
from streams.follower import ModelFollower
from streams.models.channels import ChannelView, move_record, version_record
from streams.models.log import MemoryModelLog
from streams.models.registry import Registry
from streams.records import Sample
from streams.similarity.descriptor import Descriptor
from streams.testing import SyntheticWorld
from trainer.downstream.finetune import few_labelled, nearest_centre
from trainer.settings import TrainerSettings
from trainer.step.step import EdgeBatch, TrainStep

N_CLASSES = 3


@pytest.fixture(autouse=True)
def _no_settings_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMBIND_CONFIG", raising=False)
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", "127.0.0.1:9")
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `world.npz` and `models/v1`, trained a little on pairs of like moments of other nodes."""
    folder = tmp_path_factory.mktemp("downstream")
    world = SyntheticWorld(6, N_CLASSES, noise=0.1, seed=1)
    arrays: dict[str, np.ndarray] = {}
    windows = list(world.windows(20))
    for name in world.specs:
        ones = [one for one in windows if one.modality == name]
        arrays[f"{name}.values"] = np.stack([one.values for one in ones])
        for field in ("start_ns", "label"):
            arrays[f"{name}.{field}"] = np.array([getattr(one, field) for one in ones])
        arrays[f"{name}.source"] = np.array([one.source_id for one in ones])
        arrays[f"{name}.rate_hz"] = np.array(10.0)
    np.savez(folder / "world.npz", allow_pickle=False, **arrays)
    settings = TrainerSettings(dim=16, width=8)
    step = TrainStep(world.specs, world.shared, settings, seed=0)
    samples, rng = list(world.samples(20)), np.random.default_rng(0)
    for _ in range(40):
        anchors = [samples[row] for row in rng.choice(len(samples), 32, replace=False)]
        partners = [
            next(samples[row] for row in rng.permutation(len(samples)) if is_like(samples[row], anchor))
            for anchor in anchors
        ]
        step.run(EdgeBatch(anchors, list(partners), np.ones(len(anchors))))
    manifest = ModelManifest(
        version=1, parent=0, created_ns=1, modalities=tuple(step.specs.values()), shared_modality=world.shared, dim=16
    )
    Registry(str(folder / "models")).publish(ModelBundle(manifest, step.weights()))
    return folder


def is_like(one: Sample, other: Sample) -> bool:
    return one.label == other.label and one.source_id != other.source_id


def asked(place: Path, command: str, *more: str) -> list[str]:
    return [command, str(place / "world.npz"), "--version", "1", "--root", str(place / "models"), *more]


def run(arguments: list[str]) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def refusal(arguments: list[str]) -> str:
    """What is said of arguments that are wrong."""
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, UsageError), repr(error)
    return str(error)


def test_embeddings_of_a_file_are_those_of_a_follower(place: Path, tmp_path: Path) -> None:
    run(asked(place, "embed", "--out", str(tmp_path / "out.npz")))
    recordings = read_recordings(place / "world.npz")
    samples, _ = assemble(recordings.windows, ReplayPlan(recordings).settings())
    root, models = str(place / "models"), MemoryModelLog()
    manifest = load_bundle(place / "models" / "v1").manifest
    view = ChannelView()
    view.apply(*version_record(manifest), 0)
    models.append(*version_record(manifest))
    models.append(*move_record(view, "stable", 1, "for the test", "a test", at_ns=1))
    with (
        np.load(tmp_path / "out.npz", allow_pickle=False) as found,
        ModelFollower(root=root, models=models) as follower,
    ):
        assert follower.wait_for(1, timeout_s=20)
        assert np.array_equal(found["embedding"], np.stack([follower.embed_sample(one) for one in samples]))
        assert found["source"].tolist() == [one.source_id for one in samples]
        assert found["start_ns"].tolist() == [one.start_ns for one in samples]
        assert found["label"].tolist() == [one.label for one in samples]
        assert found["version"] == 1


def test_samples_of_a_file_are_scaled_as_ingest_scales_them(place: Path) -> None:
    recordings = read_recordings(place / "world.npz")
    world = SyntheticWorld(6, N_CLASSES, noise=0.1, seed=1)
    expected = {one.sample_id: one for one in world.samples(20)}
    samples, refused = assemble(recordings.windows, ReplayPlan(recordings).settings())
    assert not refused
    assert {one.sample_id for one in samples} == set(expected)
    for one in samples:
        for name in one.windows:
            assert np.array_equal(one.scaled(name), expected[one.sample_id].scaled(name))


def test_a_modality_alone_can_be_embedded(place: Path, tmp_path: Path) -> None:
    run(asked(place, "embed", "--modality", "gyroscope", "--out", str(tmp_path / "out.npz")))
    with np.load(tmp_path / "out.npz", allow_pickle=False) as found:
        assert set(found["modalities"].tolist()) == {"gyroscope"}
        assert set(found["source"].tolist()) == {"node-00", "node-02", "node-04"}


@pytest.mark.parametrize("method", ["linear", "centre", "full"])
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
        assert classifier["weight"].shape == (N_CLASSES, 16)
    assert [one["what"] for one in found["labels_only"]] == [UNTRAINED, FEATURES]
    for one in found["labels_only"]:
        assert one["gain"]["difference"] == pytest.approx(found["accuracy"] - one["scores"]["accuracy"])
    assert found["labels_only"][0]["gain"]["difference"] > 0


@pytest.mark.parametrize("method", ["linear", "centre", "full"])
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


def test_plain_features_of_what_a_sample_lacks_are_zeros() -> None:
    world = SyntheticWorld(4, 3)
    samples = list(world.samples(3))
    rows = plain_features(samples, [world.specs["gravity"], world.specs["gyroscope"]])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-6)
    width = Descriptor(world.specs["gravity"]).dim
    for row, sample in zip(rows, samples, strict=True):
        assert row[:width].any() == ("gravity" in sample.windows)
        assert row[width:].any() == ("gyroscope" in sample.windows)


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
        (["--method", "magic"], "--method magic: wanted one of linear, centre, full"),
        (["--modality", "sonar"], "--modality sonar: wanted one that model and recordings have: acceleration, gravity"),
        (["--test-source", "node-99"], "--test-source node-99: wanted one with labels: node-00"),
        (["--version", "7"], "--version 7: no such version below"),
        (["--channel", "stable"], "--version 1 and --channel stable: wanted one of the two"),
        ([f"--test-source=node-0{i}" for i in range(6)], "--test-source: all 6 sources, wanted one left"),
    ],
)
def test_what_is_wrong_is_named_with_what_was_wanted(place: Path, more: list[str], wanted: str) -> None:
    assert wanted in refusal([*asked(place, "finetune", "--labels-per-class", "3"), *more])


def test_what_embed_writes_ends_in_npz(place: Path) -> None:
    assert "--out out.txt: wanted a name that ends in .npz" in refusal(asked(place, "embed", "--out", "out.txt"))


def test_fewer_than_one_label_is_refused(place: Path) -> None:
    result = CliRunner().invoke(app, asked(place, "finetune", "--labels-per-class", "0"))
    assert result.exit_code == 2
    assert "--labels-per-class" in result.output


def test_a_model_for_other_windows_is_refused(place: Path, tmp_path: Path) -> None:
    file = tmp_path / "short.npz"
    np.savez(
        file,
        allow_pickle=False,
        **{
            "gravity.values": np.ones((2, 40, 3), np.float32),
            "gravity.source": np.array(["a", "b"]),
            "gravity.start_ns": np.array([10**18, 10**18]),
            "gravity.rate_hz": np.array(10.0),
        },
    )
    told = asked(place, "embed", "--out", "out.npz")
    told[1] = str(file)
    assert "gravity: windows of [40, 3] steps and channels, the model wants [50, 3]" in refusal(told)
