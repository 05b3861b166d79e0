"""A model as files: one safetensors file a modality and a manifest with their sizes and hashes. Knows no torch."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from encoders.errors import MmbindError
from encoders.manifest import (
    MAX_BUNDLE_BYTES,
    MAX_FILE_BYTES,
    MAX_MANIFEST_BYTES,
    BundleFile,
    ModelManifest,
    decode_manifest,
)

MANIFEST_NAME = "manifest.json"
SUFFIX = ".safetensors"
# With a sign that no modality's name has.
BRIDGE_NAME = f"parent_bridge{SUFFIX}"
BRIDGE_KEY = "map"

Weights = Mapping[str, np.ndarray]


class BundleError(MmbindError):
    """A file of a bundle is not what the manifest says."""

    def __init__(self, file: str, wanted: str, got: str) -> None:
        super().__init__(f"{file}: wanted {wanted}, got {got}")
        self.file, self.wanted, self.got = file, wanted, got


class BundleConflict(BundleError):  # noqa: N818 - it says what is so
    """The version exists already, with other contents."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelBundle:
    """A manifest and, for each modality, its encoder's arrays by name.

    `bridge` is the map `[dim, dim]` from the parent's embeddings, None where there is none: see `encoders.bridge`.
    """

    manifest: ModelManifest
    weights: Mapping[str, Weights]
    bridge: np.ndarray | None = None


def pack_bundle(bundle: ModelBundle, folder_name: str) -> tuple[ModelManifest, dict[str, bytes]]:
    """The manifest with the files' sizes and hashes, and each file's bytes by its name.

    Args:
        bundle: Its manifest's `files` are replaced.
        folder_name: Of the bundle below the registry's root; the files' names start with it.

    Raises:
        ValueError: If the weights are not those of the manifest's modalities.
    """
    wanted = sorted(spec.name for spec in bundle.manifest.modalities)
    if sorted(bundle.weights) != wanted:
        raise ValueError(f"weights of {sorted(bundle.weights)}, the manifest has {wanted}")
    contents = {
        f"{folder_name}/{name}{SUFFIX}": save({key: np.ascontiguousarray(value) for key, value in arrays.items()})
        for name, arrays in sorted(bundle.weights.items())
    }
    files, bridge = tuple(_described(name, data) for name, data in contents.items()), None
    if bundle.bridge is not None:
        # Not one of `files`: these say which encoders they are, whatever came before them.
        name = f"{folder_name}/{BRIDGE_NAME}"
        contents[name] = save({BRIDGE_KEY: np.ascontiguousarray(bundle.bridge, np.float32)})
        bridge = _described(name, contents[name])
    return msgspec.structs.replace(bundle.manifest, files=files, bridge=bridge), contents


def _described(name: str, data: bytes) -> BundleFile:
    return BundleFile(name=name, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def unpack_bundle(
    manifest: ModelManifest, read: Callable[[str, int], bytes], modalities: Iterable[str] | None = None
) -> ModelBundle:
    """The bundle, every file compared with the manifest before anything is returned.

    What is too large, or no safetensors by its name, is not read.

    Args:
        manifest: Of the model.
        read: Gives the bytes of a file by the name that it has in the manifest, and raises a BundleError where their
            number is not the one that is given.
        modalities: Which ones to read; all without it. Other files are not looked at.

    Raises:
        BundleError: If a file is missing, damaged, too large, or of an unknown modality.
    """
    _check_claims(manifest)
    files = {PurePosixPath(file.name).name.removesuffix(SUFFIX): file for file in manifest.files}
    wanted = sorted(files if modalities is None else modalities)
    for name in wanted:
        if name not in files:
            raise BundleError(f"version {manifest.version}", f"a file of modality {name!r}", f"only {sorted(files)}")
    version = f"version {manifest.version}, "
    contents = {name: _verified(version, files[name], read) for name in wanted}
    weights = {name: _parsed(version, files[name], data) for name, data in contents.items()}
    bridge = None
    if manifest.bridge is not None:
        bridge = _map_in(version, manifest.bridge, _verified(version, manifest.bridge, read), manifest.dim)
    return ModelBundle(manifest, weights, bridge)


def _check_claims(manifest: ModelManifest) -> None:
    """Raises BundleError where a manifest claims what is not to be read."""
    files = [*manifest.files, *([manifest.bridge] if manifest.bridge else [])]
    for file in files:
        told = f"version {manifest.version}, {file.name}"
        if not file.name.endswith(SUFFIX):
            raise BundleError(told, f"a file of weights, *{SUFFIX}", "another kind, which is not read")
        if file.size_bytes > MAX_FILE_BYTES:
            raise BundleError(told, f"at most {MAX_FILE_BYTES} bytes", f"{file.size_bytes} bytes in the manifest")
    if (total := sum(file.size_bytes for file in files)) > MAX_BUNDLE_BYTES:
        raise BundleError(
            f"version {manifest.version}", f"at most {MAX_BUNDLE_BYTES} bytes in all", f"{total} bytes in the manifest"
        )


def _verified(version: str, file: BundleFile, read: Callable[[str, int], bytes]) -> bytes:
    try:
        data = read(file.name, file.size_bytes)
    except OSError as error:
        raise BundleError(f"{version}{file.name}", "a readable file", str(error)) from error
    if len(data) != file.size_bytes:
        raise BundleError(f"{version}{file.name}", f"{file.size_bytes} bytes", f"{len(data)} bytes")
    digest = hashlib.sha256(data).hexdigest()
    if digest != file.sha256:
        raise BundleError(f"{version}{file.name}", f"sha256 {file.sha256}", f"sha256 {digest}")
    return data


def _parsed(version: str, file: BundleFile, data: bytes) -> dict[str, np.ndarray]:
    try:
        arrays: dict[str, np.ndarray] = load(data)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:  # KeyError: a type that numpy lacks
        raise BundleError(f"{version}{file.name}", "safetensors", str(error)) from error
    return arrays


def _map_in(version: str, file: BundleFile, data: bytes, dim: int) -> np.ndarray:
    arrays = _parsed(version, file, data)
    found = arrays.get(BRIDGE_KEY)
    if found is None or found.shape != (dim, dim) or found.dtype != np.float32 or not np.isfinite(found).all():
        shapes = {name: (value.shape, str(value.dtype)) for name, value in arrays.items()}
        raise BundleError(f"{version}{file.name}", f"{BRIDGE_KEY!r}, {(dim, dim)} finite numbers, float32", str(shapes))
    return found


def save_bundle(bundle: ModelBundle, folder: Path) -> ModelManifest:
    """Writes the bundle as `folder` in one step, or not at all; the manifest as written.

    The same contents again are no change: the manifest that is there comes back.

    Raises:
        BundleConflict: If `folder` holds other contents.
    """
    manifest, contents = pack_bundle(bundle, folder.name)
    if folder.exists():
        return _same_as_there(manifest, folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, data in contents.items():
            (fresh / PurePosixPath(name).name).write_bytes(data)
        (fresh / MANIFEST_NAME).write_bytes(msgspec.json.encode(manifest))
        fresh.chmod(0o755)
        fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        # Somebody else's rename came first: theirs is judged as if it had been there all along.
        if folder.exists():
            return _same_as_there(manifest, folder)
        raise
    return manifest


def _same_as_there(manifest: ModelManifest, folder: Path) -> ModelManifest:
    there = load_manifest(folder)
    if (there.version, there.files) != (manifest.version, manifest.files):
        raise BundleConflict(str(folder), f"version {manifest.version} as it is to be written", "other contents")
    return there


def load_manifest(folder: Path) -> ModelManifest:
    """The manifest of a saved bundle.

    Raises:
        BundleError: If there is none, or it cannot be read.
    """
    path = folder / MANIFEST_NAME
    try:
        if (size := path.stat().st_size) > MAX_MANIFEST_BYTES:
            raise BundleError(str(path), f"a manifest of at most {MAX_MANIFEST_BYTES} bytes", f"{size} bytes")
        return decode_manifest(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BundleError(str(path), "a readable manifest", str(error)) from error


def load_bundle(folder: Path, modalities: Iterable[str] | None = None) -> ModelBundle:
    """A saved bundle, verified whole or refused.

    Raises:
        BundleError: If a file is missing or is not what the manifest says, or a modality is unknown.
    """

    def read(name: str, size_bytes: int) -> bytes:
        path = folder / PurePosixPath(name).name
        if (size := path.stat().st_size) != size_bytes:
            raise BundleError(str(path), f"{size_bytes} bytes", f"{size} bytes")
        return path.read_bytes()

    return unpack_bundle(load_manifest(folder), read, modalities)
