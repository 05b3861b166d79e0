"""Embeddings of recordings in a file: those that a follower makes, and which modalities they are of."""

from pathlib import Path

import numpy as np

from deploy.downstream.embed import assemble, chosen_modalities
from deploy.recordings.files import read_recordings
from deploy.replay.plan import ReplayPlan
from encoders.bundle import load_bundle
from streams.follower import ModelFollower
from streams.labels import LABEL, LABEL_SPEC
from streams.models.channels import ChannelView, move_record, version_record
from streams.models.log import MemoryModelLog
from streams.similarity.descriptor import Descriptor
from streams.testing import SyntheticWorld
from tests.support.commands import asked, refusal, run
from tests.support.label_world import settings


def test_no_label_is_embedded_or_tuned_with() -> None:
    specs = {**settings().sensors}
    assert LABEL not in chosen_modalities(specs, [*specs.values(), LABEL_SPEC], ())


def test_embeddings_of_a_file_are_those_of_a_follower(place: Path, tmp_path: Path) -> None:
    run(asked(place, "embed", "--scaling", "own", "--features", "--out", str(tmp_path / "out.npz")))
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
        assert np.array_equal(found["features"], np.stack([follower.features_of_sample(one) for one in samples]))
        for row, modality in zip(found["features"], found["modalities"], strict=True):
            there = np.isin(found["feature_modality"], modality.split("+"))
            assert row[there].any() and not row[~there].any()
        assert found["feature_is_descriptor"].sum() == sum(Descriptor(one).dim for one in manifest.modalities)
        assert found["source"].tolist() == [one.source_id for one in samples]
        assert found["start_ns"].tolist() == [one.start_ns for one in samples]
        assert found["label"].tolist() == [one.label for one in samples]
        assert found["version"] == 1


def test_samples_of_a_file_are_scaled_as_ingest_scales_them(place: Path) -> None:
    recordings = read_recordings(place / "world.npz")
    world = SyntheticWorld(6, 3, noise=0.1, seed=1)
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
        assert "features" not in found
        assert set(found["modalities"].tolist()) == {"gyroscope"}
        assert set(found["source"].tolist()) == {"node-00", "node-02", "node-04"}


def test_what_embed_writes_ends_in_npz(place: Path) -> None:
    assert "--out out.txt: wanted a name that ends in .npz" in refusal(asked(place, "embed", "--out", "out.txt"))


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
