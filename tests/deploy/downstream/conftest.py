"""Files of a small world, and a model of it."""

from pathlib import Path

import numpy as np
import pytest

from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from streams.models.registry import Registry
from streams.records import Sample
from streams.testing import SyntheticWorld
from trainer.settings import TrainerSettings
from trainer.step.step import EdgeBatch, TrainStep


@pytest.fixture(autouse=True)
def _no_settings_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMBIND_CONFIG", raising=False)
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", "127.0.0.1:9")
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `world.npz` and `models/v1`, trained a little on pairs of like moments of other nodes."""
    folder = tmp_path_factory.mktemp("downstream")
    world = SyntheticWorld(6, 3, noise=0.1, seed=1)
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
