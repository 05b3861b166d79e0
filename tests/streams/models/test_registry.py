from pathlib import Path

import msgspec
import numpy as np
import pytest

from encoders.bundle import BundleConflict, BundleError, ModelBundle
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec
from streams.models.registry import Registry, RegistryAway


def bundle(version: int = 1, value: float = 0.5) -> ModelBundle:
    specs = tuple(ModalitySpec(name=name, n_channels=3, n_steps=8, rate_hz=50) for name in ("gravity", "gyroscope"))
    manifest = ModelManifest(
        version=version, parent=0, created_ns=1, modalities=specs, shared_modality="gravity", dim=4
    )
    return ModelBundle(manifest, {spec.name: {"w": np.full((2, 3), value, np.float32)} for spec in specs})


def test_gives_back_what_was_published(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "models"))
    manifest = registry.publish(bundle())
    fetched = registry.fetch(manifest)
    assert np.array_equal(fetched.weights["gyroscope"]["w"], np.full((2, 3), 0.5, np.float32))
    assert [file.name for file in manifest.files] == ["v1/gravity.safetensors", "v1/gyroscope.safetensors"]


def test_works_on_any_store_that_fsspec_knows() -> None:
    registry = Registry("memory://bucket/models")
    assert set(registry.fetch(registry.publish(bundle())).weights) == {"gravity", "gyroscope"}


def test_fetches_only_the_modalities_asked_for(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path))
    manifest = registry.publish(bundle())
    (tmp_path / "v1" / "gravity.safetensors").unlink()
    assert set(registry.fetch(manifest, ["gyroscope"]).weights) == {"gyroscope"}


def test_publishing_the_same_again_is_no_change(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path))
    assert registry.publish(bundle()) == registry.publish(bundle())


def test_refuses_a_version_with_other_contents_and_keeps_the_old(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path))
    manifest = registry.publish(bundle())
    with pytest.raises(BundleConflict, match="version 1"):
        registry.publish(bundle(value=0.25))
    assert registry.fetch(manifest).weights["gravity"]["w"][0, 0] == 0.5


def test_finishes_a_publication_that_was_interrupted(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path))
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "gravity.safetensors").write_bytes(b"half")
    assert set(registry.fetch(registry.publish(bundle())).weights) == {"gravity", "gyroscope"}


def test_refuses_a_damaged_file_and_names_it(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path))
    manifest = registry.publish(bundle())
    file = tmp_path / "v1" / "gyroscope.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(BundleError, match=r"v1/gyroscope.safetensors: wanted sha256"):
        registry.fetch(manifest)


@pytest.mark.parametrize("name", ["../secret", "v1/../../secret", "/etc/passwd", "", "v1//x", "a\\..\\b", "s3://x/y"])
def test_refuses_names_that_may_lead_out_of_the_root(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_bytes(b"")
    registry = Registry(str(tmp_path / "models"))
    manifest = registry.publish(bundle())
    files = (msgspec.structs.replace(manifest.files[0], name=name), *manifest.files[1:])
    with pytest.raises(BundleError, match="below the registry's root"):
        registry.fetch(msgspec.structs.replace(manifest, files=files))


def test_a_store_that_is_away_is_told_from_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "models").write_bytes(b"not a folder")
    with pytest.raises(RegistryAway):
        Registry(str(tmp_path / "models")).publish(bundle())


def test_names_the_setting_when_the_root_is_of_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match=r"registry\.root"):
        Registry("nonsense://models")
