"""A published version carries the map from its parent's embeddings, where there is a parent that can be read."""

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from encoders.bridge import BRIDGE_COSINE, NoBridge
from encoders.bundle import ModelBundle
from encoders.loaded_model import LoadedModel
from encoders.nets import load_encoders
from encoders.scaling import fit_scaling
from streams.models.registry import Registry
from streams.records import Decision, Sample
from tests.support.models import DIM, bundle, windows
from trainer.candidate import Candidate
from trainer.topics.models import MemoryModels
from trainer.topics.publishing import Publisher

RAW = windows(40)
SCALING = {name: fit_scaling(values) for name, values in RAW.items()}
SAMPLES = [
    Sample(
        sample_id=str(i),
        source_id="a",
        start_ns=i,
        # Some lack a modality.
        windows={name: values[i] for name, values in RAW.items() if i % 5 or name == "gravity"},
        scaling=SCALING,
    )
    for i in range(40)
]


def turned(of: ModelBundle, seed: int = 3) -> ModelBundle:
    """The same encoders, all embeddings turned alike: the bridge between them is known."""
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(DIM, DIM)))[0].astype(np.float32)
    weights = {
        name: {
            **arrays,
            "head.2.weight": turn.T @ arrays["head.2.weight"],
            "head.2.bias": turn.T @ arrays["head.2.bias"],
        }
        for name, arrays in of.weights.items()
    }
    return ModelBundle(msgspec.structs.replace(of.manifest, version=of.manifest.version + 1), weights)


def candidate(of: ModelBundle, samples: list[Sample] = SAMPLES) -> Candidate:
    return Candidate(of, Decision(version=of.manifest.version, passed=True, reason="x"), True, samples)


def published(folder: Path, *candidates: Candidate) -> list[LoadedModel]:
    models, registry = MemoryModels(), Registry(str(folder))
    publisher = Publisher(models, registry, "stable", lambda: 7)
    found = []
    for one in candidates:
        fetched = registry.fetch(models.view.manifests[publisher.announce(one)])
        found.append(LoadedModel(fetched.manifest, load_encoders(fetched), fetched.bridge))
    return found


def test_a_version_carries_its_parents_embeddings_over(tmp_path: Path) -> None:
    first = bundle(1)
    one, two, three = published(
        tmp_path, candidate(first), candidate(turned(first)), candidate(turned(turned(first), 5))
    )
    assert [model.manifest.parent for model in (one, two, three)] == [0, 1, 2]
    assert two.manifest.evaluation[BRIDGE_COSINE] == pytest.approx(1, abs=1e-4)
    old, newest = one.embed(RAW, SCALING), three.embed(RAW, SCALING)
    assert np.abs(old - newest).max() > 0.1
    np.testing.assert_allclose(three.adapt(two.adapt(old, 1), 2), newest, atol=1e-3)
    with pytest.raises(NoBridge, match="its bridge is from version 2"):
        three.adapt(old, 1)


def test_encoders_that_have_nothing_in_common_say_so(tmp_path: Path) -> None:
    _, two = published(tmp_path, candidate(bundle(1)), candidate(bundle(9)))
    assert two.manifest.evaluation[BRIDGE_COSINE] < 1 - 1e-3


def test_a_first_version_or_one_without_samples_has_no_bridge(tmp_path: Path) -> None:
    one, two = published(tmp_path, candidate(bundle(1)), candidate(bundle(2), []))
    for model in (one, two):
        assert model.manifest.bridge is None and BRIDGE_COSINE not in model.manifest.evaluation


def test_a_version_is_not_held_up_by_a_parent_that_is_lost(tmp_path: Path) -> None:
    models, registry = MemoryModels(), Registry(str(tmp_path))
    publisher = Publisher(models, registry, "stable", lambda: 7)
    publisher.announce(candidate(bundle(1)))
    shutil.rmtree(tmp_path / "v1")
    assert publisher.announce(candidate(bundle(2))) == 2
    assert models.view.manifests[2].bridge is None


def test_the_same_encoders_offered_again_are_the_version_that_is_there(tmp_path: Path) -> None:
    one, two, again = published(tmp_path, candidate(bundle(1)), candidate(bundle(2)), candidate(bundle(2)))
    assert (one.version, two.version, again.version) == (1, 2, 2)
    assert again.manifest == two.manifest
