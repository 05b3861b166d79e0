"""What is refused before it is read: what is too large, longer than claimed, or no safetensors."""

import pickle
from pathlib import Path

import msgspec
import pytest

import streams.models.registry as registry_module
from encoders import bundle as bundle_module
from encoders.bundle import BundleError, load_bundle, load_manifest
from encoders.manifest import MAX_BUNDLE_BYTES, MAX_FILE_BYTES, BundleFile, ModelManifest
from streams.models.registry import Registry
from tests.support.models import bundle


class Counting(Registry):
    """Counts the bytes that it takes out of the store."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.n_bytes, read = 0, self._store.cat_file

        def cat_file(path: str, **kwargs: int) -> bytes:
            data: bytes = read(path, **kwargs)
            self.n_bytes += len(data)
            return data

        self._store = Store(self._store, cat_file)


class Store:
    def __init__(self, store: object, cat_file: object) -> None:
        self._store, self.cat_file = store, cat_file

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def claiming(manifest: ModelManifest, **changes: object) -> ModelManifest:
    first = msgspec.structs.replace(manifest.files[0], **changes)
    return msgspec.structs.replace(manifest, files=(first, *manifest.files[1:]))


def published(folder: Path) -> tuple[Counting, ModelManifest]:
    return Counting(str(folder)), Registry(str(folder)).publish(bundle(1))


def test_a_manifest_that_claims_too_much_is_refused_unread(tmp_path: Path) -> None:
    registry, manifest = published(tmp_path)
    with pytest.raises(
        BundleError, match=rf"version 1, v1/gravity.safetensors: wanted at most {MAX_FILE_BYTES} bytes, g"
    ):
        registry.fetch(claiming(manifest, size_bytes=MAX_FILE_BYTES + 1))
    many = tuple(BundleFile(name=f"v1/{i}.safetensors", size_bytes=MAX_FILE_BYTES, sha256="") for i in range(5))
    with pytest.raises(BundleError, match=rf"version 1: wanted at most {MAX_BUNDLE_BYTES} bytes in all, got {5 << 30}"):
        registry.fetch(msgspec.structs.replace(manifest, files=many), ["0"])
    assert registry.n_bytes == 0
    with pytest.raises(BundleError, match=r"v1/0\.safetensors"):  # four are not too many, but are not there
        registry.fetch(msgspec.structs.replace(manifest, files=many[:4]), ["0"])


def test_a_file_that_is_longer_or_shorter_than_claimed_is_refused_unread(tmp_path: Path) -> None:
    registry, manifest = published(tmp_path)
    size = manifest.files[0].size_bytes
    for claimed in (size - 1, size + 1, 0):
        with pytest.raises(BundleError, match=rf"v1/gravity.safetensors: wanted {claimed} bytes, got {size} bytes"):
            registry.fetch(claiming(manifest, size_bytes=claimed), ["gravity"])
    assert registry.n_bytes == 0


def test_no_more_is_read_than_the_store_said_that_there_is(tmp_path: Path) -> None:
    registry, manifest = published(tmp_path)
    info = registry._store.info

    def grows(path: str) -> object:
        found = info(path)
        Path(path).write_bytes(b"x" * 100_000)
        return found

    registry._store.info = grows
    with pytest.raises(BundleError, match="sha256"):
        registry.fetch(manifest, ["gravity"])
    assert registry.n_bytes == manifest.files[0].size_bytes


def test_only_safetensors_are_read_by_name_and_by_contents(tmp_path: Path) -> None:
    registry, manifest = published(tmp_path)
    with pytest.raises(BundleError, match=r"version 1, v1/gravity.pkl: wanted a file of weights, \*\.safetensors"):
        registry.fetch(claiming(manifest, name="v1/gravity.pkl"), ["gyroscope"])
    assert registry.n_bytes == 0
    data = pickle.dumps({"w": 1})
    (tmp_path / "v1/gravity.safetensors").write_bytes(data)
    as_it_is = bundle_module._described("v1/gravity.safetensors", data)
    with pytest.raises(BundleError, match=r"version 1, v1/gravity.safetensors: wanted safetensors, got"):
        registry.fetch(claiming(manifest, size_bytes=as_it_is.size_bytes, sha256=as_it_is.sha256))


def test_a_manifest_of_many_megabytes_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry, _ = published(tmp_path)
    size = (tmp_path / "v1/manifest.json").stat().st_size
    monkeypatch.setattr(registry_module, "MAX_MANIFEST_BYTES", size)
    assert registry.newest() is not None
    registry.n_bytes = 0
    monkeypatch.setattr(registry_module, "MAX_MANIFEST_BYTES", size - 1)
    monkeypatch.setattr(bundle_module, "MAX_MANIFEST_BYTES", size - 1)
    with pytest.raises(
        BundleError, match=rf"v1/manifest.json: wanted a manifest of at most {size - 1} bytes, got {size}"
    ):
        registry.newest()
    assert registry.n_bytes == 0
    with pytest.raises(
        BundleError, match=rf"v1/manifest.json: wanted a manifest of at most {size - 1} bytes, got {size}"
    ):
        load_manifest(tmp_path / "v1")


def test_a_folder_of_ones_own_is_read_as_carefully(tmp_path: Path) -> None:
    published(tmp_path)
    file = tmp_path / "v1/gravity.safetensors"
    file.write_bytes(file.read_bytes() + b"more")
    with pytest.raises(BundleError, match=r"gravity.safetensors: wanted \d+ bytes, got \d+ bytes"):
        load_bundle(tmp_path / "v1")
