import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from encoders.bundle import BundleConflict, BundleError, ModelBundle, load_bundle, load_manifest, save_bundle
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec

MODALITIES = ("gravity", "gyroscope")


def bundle_of(version: int = 3, seed: int = 0, created_ns: int = 1) -> ModelBundle:
    rng = np.random.default_rng(seed)
    manifest = ModelManifest(
        version=version,
        parent=version - 1,
        created_ns=created_ns,
        modalities=tuple(ModalitySpec(name=name, n_channels=3, n_steps=250, rate_hz=50) for name in MODALITIES),
        shared_modality="gravity",
        dim=4,
        evaluation={"retrieval/gravity->gyroscope/mrr": 0.25},
        missing_evidence=("labels",),
    )
    weights = {
        name: {"a.weight": rng.standard_normal((3, 2)).astype(np.float32), "a.bias": np.arange(2, dtype=np.float32)}
        for name in MODALITIES
    }
    return ModelBundle(manifest, weights)


def test_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    bundle = bundle_of()

    manifest = save_bundle(bundle, tmp_path / "v3")
    found = load_bundle(tmp_path / "v3")

    assert found.manifest == manifest == msgspec.structs.replace(bundle.manifest, files=manifest.files)
    for modality, arrays in bundle.weights.items():
        assert found.weights[modality].keys() == arrays.keys()
        assert all(np.array_equal(found.weights[modality][name], value) for name, value in arrays.items())


def test_the_manifest_has_size_and_hash_of_each_file(tmp_path: Path) -> None:
    manifest = save_bundle(bundle_of(), tmp_path / "v3")

    assert [file.name for file in manifest.files] == ["v3/gravity.safetensors", "v3/gyroscope.safetensors"]
    for file in manifest.files:
        data = (tmp_path / file.name).read_bytes()
        assert (file.size_bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_an_array_that_is_a_view_is_saved_as_it_reads(tmp_path: Path) -> None:
    bundle = bundle_of()
    bundle.weights["gravity"]["a.weight"] = np.arange(6, dtype=np.float32).reshape(2, 3).T  # type: ignore[index]

    save_bundle(bundle, tmp_path / "v3")

    assert load_bundle(tmp_path / "v3").weights["gravity"]["a.weight"].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_reads_only_the_modalities_asked_for(tmp_path: Path) -> None:
    save_bundle(bundle_of(), tmp_path / "v3")
    (tmp_path / "v3" / "gyroscope.safetensors").unlink()

    assert list(load_bundle(tmp_path / "v3", ["gravity"]).weights) == ["gravity"]


@pytest.mark.parametrize("victim", MODALITIES)
def test_one_changed_byte_refuses_the_whole(tmp_path: Path, victim: str) -> None:
    save_bundle(bundle_of(), tmp_path / "v3")
    path = tmp_path / "v3" / f"{victim}.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    with pytest.raises(BundleError, match=f"v3/{victim}.safetensors: wanted sha256 .*, got sha256 ") as caught:
        load_bundle(tmp_path / "v3")
    assert caught.value.got == f"sha256 {hashlib.sha256(data).hexdigest()}"


def test_a_file_cut_short_is_refused_by_its_size(tmp_path: Path) -> None:
    manifest = save_bundle(bundle_of(), tmp_path / "v3")
    path = tmp_path / "v3" / "gravity.safetensors"
    path.write_bytes(path.read_bytes()[:-4])

    size = manifest.files[0].size_bytes
    with pytest.raises(BundleError, match=f"wanted {size} bytes, got {size - 4} bytes"):
        load_bundle(tmp_path / "v3")


def test_a_missing_file_refuses_the_whole(tmp_path: Path) -> None:
    save_bundle(bundle_of(), tmp_path / "v3")
    (tmp_path / "v3" / "gyroscope.safetensors").unlink()

    with pytest.raises(BundleError, match=r"v3/gyroscope.safetensors: wanted a readable file"):
        load_bundle(tmp_path / "v3")


def test_bytes_that_are_no_safetensors_are_refused_although_the_hash_is_right(tmp_path: Path) -> None:
    manifest = save_bundle(bundle_of(), tmp_path / "v3")
    data = b"\xff" * 64
    (tmp_path / "v3" / "gravity.safetensors").write_bytes(data)
    file = msgspec.structs.replace(manifest.files[0], size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    forged = msgspec.structs.replace(manifest, files=(file, *manifest.files[1:]))
    (tmp_path / "v3" / "manifest.json").write_bytes(msgspec.json.encode(forged))

    with pytest.raises(BundleError, match=r"v3/gravity.safetensors: wanted safetensors"):
        load_bundle(tmp_path / "v3")


def test_an_unknown_modality_is_refused(tmp_path: Path) -> None:
    save_bundle(bundle_of(), tmp_path / "v3")

    with pytest.raises(BundleError, match=r"a file of modality 'depth', got only \['gravity', 'gyroscope'\]"):
        load_bundle(tmp_path / "v3", ["depth"])


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"manifest.json: wanted a readable manifest"):
        load_manifest(tmp_path)


def test_the_same_version_again_is_no_change(tmp_path: Path) -> None:
    first = save_bundle(bundle_of(created_ns=1), tmp_path / "v3")

    assert save_bundle(bundle_of(created_ns=2), tmp_path / "v3") == first
    assert [path.name for path in tmp_path.iterdir()] == ["v3"]


@pytest.mark.parametrize("other", [bundle_of(seed=1), bundle_of(version=4)])
def test_other_contents_in_the_same_place_are_refused(tmp_path: Path, other: ModelBundle) -> None:
    first = save_bundle(bundle_of(), tmp_path / "v3")

    with pytest.raises(BundleConflict, match="other contents"):
        save_bundle(other, tmp_path / "v3")
    assert load_manifest(tmp_path / "v3") == first


def test_weights_must_be_those_of_the_modalities(tmp_path: Path) -> None:
    bundle = bundle_of()

    with pytest.raises(ValueError, match=r"weights of \['gravity'\], the manifest has \['gravity', 'gyroscope'\]"):
        save_bundle(ModelBundle(bundle.manifest, {"gravity": bundle.weights["gravity"]}), tmp_path / "v3")
    assert list(tmp_path.iterdir()) == []
