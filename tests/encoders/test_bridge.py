"""A map between two versions' embeddings: found where there is one, and no better than it is."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from safetensors.numpy import save

from encoders.bridge import BRIDGE_COSINE, MIN_COSINE, MIN_ROWS_PER_DIM, NoBridge, apply_map, fit_bridge, procrustes
from encoders.bundle import BundleError, ModelBundle, load_bundle, pack_bundle, save_bundle
from encoders.loaded_model import LoadedModel
from tests.support.models import DIM, bundle

RNG = np.random.default_rng(7)


def unit(rows: np.ndarray) -> np.ndarray:
    made: np.ndarray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return made


OLD = unit(RNG.normal(size=(200, DIM)))
TURN = np.linalg.qr(RNG.normal(size=(DIM, DIM)))[0].astype(np.float32)


def test_a_rotation_or_reflection_is_found_again() -> None:
    for turn in (TURN, -TURN, TURN[:, ::-1]):
        np.testing.assert_allclose(procrustes(OLD, OLD @ turn), turn, atol=1e-5)
        found = fit_bridge(OLD, OLD @ turn)
        assert found is not None and found.cosine == pytest.approx(1)


def test_the_map_is_orthogonal_whatever_it_was_fitted_on() -> None:
    found = procrustes(OLD, unit(RNG.normal(size=OLD.shape)))
    np.testing.assert_allclose(found @ found.T, np.eye(DIM), atol=1e-5)
    assert found.dtype == np.float32


def test_the_quality_is_of_rows_that_were_not_fitted_on() -> None:
    """Rows that have nothing to do with one another: what is fitted on them looks better than it is."""
    old, new = OLD[:40], unit(RNG.normal(size=(40, DIM)))
    bridge = fit_bridge(old, new)
    assert bridge is not None
    on_its_own = float((apply_map(old, bridge.map) * new).sum(1).mean())
    assert on_its_own > 0.2 > abs(bridge.cosine)


def test_the_map_is_fitted_on_all_rows() -> None:
    new = unit(OLD @ TURN + RNG.normal(0, 0.3, OLD.shape))
    bridge = fit_bridge(OLD, new)
    assert bridge is not None
    np.testing.assert_array_equal(bridge.map, procrustes(OLD, new))
    assert 0.5 < bridge.cosine < 0.99


def test_too_few_rows_or_another_dimension_give_none() -> None:
    least = 2 * MIN_ROWS_PER_DIM * DIM
    assert fit_bridge(OLD[:least], OLD[:least]) is not None
    assert fit_bridge(OLD[: least - 1], OLD[: least - 1]) is None
    assert fit_bridge(OLD, OLD[:, :-1]) is None


def model(cosine: float = 0.9, bridge: np.ndarray | None = TURN) -> LoadedModel:
    made = bundle(3)
    return LoadedModel(msgspec.structs.replace(made.manifest, evaluation={BRIDGE_COSINE: cosine}), {}, bridge)


def test_a_model_carries_its_parents_embeddings_over() -> None:
    adapted = model().adapt(OLD, from_version=2)
    np.testing.assert_allclose(adapted, OLD @ TURN, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(model().adapt(3 * OLD, 2), axis=1), 1, atol=1e-5)


def test_a_model_says_what_it_cannot_carry_over() -> None:
    told = "embeddings of version {} cannot be carried to 3: "
    for made, vectors, version, why in (
        (model(), OLD, 1, "its bridge is from version 2, its parent"),
        (model(), OLD, 4, "its bridge is from version 2, its parent"),
        (model(), OLD, 3, "they are of it already"),
        (model(bridge=None), OLD, 2, "it was published without a bridge"),
        (model(MIN_COSINE - 0.01), OLD, 2, "its bridge has a mean cosine of"),
        (model(float("nan")), OLD, 2, "its bridge has a mean cosine of nan"),
        (model(), OLD[:, :-1], 2, rf"they have shape \(200, {DIM - 1}\), wanted \(N, {DIM}\)"),
        (model(), OLD[0], 2, "they have shape"),
    ):
        with pytest.raises(NoBridge, match=told.format(version) + why):
            made.adapt(vectors, version)
    assert model(MIN_COSINE).adapt(OLD, 2).shape == OLD.shape


def test_a_bundle_holds_its_bridge_and_is_the_same_encoders_without(tmp_path: Path) -> None:
    made = bundle(3)
    manifest = save_bundle(ModelBundle(made.manifest, made.weights, TURN), tmp_path / "v3")
    assert manifest.bridge is not None and manifest.bridge.name == "v3/parent_bridge.safetensors"
    assert manifest.files == pack_bundle(made, "v3")[0].files
    for modalities in (None, ["gravity"]):
        loaded = load_bundle(tmp_path / "v3", modalities)
        assert loaded.bridge is not None
        np.testing.assert_array_equal(loaded.bridge, TURN)
    save_bundle(bundle(4), tmp_path / "v4")
    assert load_bundle(tmp_path / "v4").bridge is None


@pytest.mark.parametrize(
    "arrays",
    [
        {"map": TURN[:-1]},
        {"other": TURN},
        {"map": TURN.astype(np.float64)},
        {"map": np.full((DIM, DIM), np.nan, np.float32)},
    ],
)
def test_a_bridge_that_is_none_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    made = bundle(3)
    bad = ModelBundle(made.manifest, made.weights, TURN)
    manifest, contents = pack_bundle(bad, "v3")
    from encoders.bundle import _described, unpack_bundle

    name = "v3/parent_bridge.safetensors"
    contents[name] = save(arrays)
    claimed = msgspec.structs.replace(manifest, bridge=_described(name, contents[name]))
    with pytest.raises(BundleError, match=r"version 3, v3/parent_bridge.safetensors: wanted 'map', \(8, 8\) finite"):
        unpack_bundle(claimed, lambda file, size: contents[file])
