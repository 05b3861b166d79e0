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
from encoders.manifest import BundleFile, ModelManifest, decode_manifest

MANIFEST_NAME = "manifest.json"
SUFFIX = ".safetensors"

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
    """A manifest and, for each modality, its encoder's arrays by name."""

    manifest: ModelManifest
    weights: Mapping[str, Weights]


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
    files = tuple(
        BundleFile(name=name, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        for name, data in contents.items()
    )
    return msgspec.structs.replace(bundle.manifest, files=files), contents


def unpack_bundle(
    manifest: ModelManifest, read: Callable[[str], bytes], modalities: Iterable[str] | None = None
) -> ModelBundle:
    """The bundle, every file compared with the manifest before anything is returned.

    Args:
        manifest: Of the model.
        read: Gives the bytes of a file by the name that it has in the manifest.
        modalities: Which ones to read; all without it. Other files are not looked at.

    Raises:
        BundleError: If a file is missing, damaged, or of an unknown modality.
    """
    files = {PurePosixPath(file.name).name.removesuffix(SUFFIX): file for file in manifest.files}
    wanted = sorted(files if modalities is None else modalities)
    for name in wanted:
        if name not in files:
            raise BundleError(f"version {manifest.version}", f"a file of modality {name!r}", f"only {sorted(files)}")
    contents = {name: _verified(files[name], read) for name in wanted}
    return ModelBundle(manifest, {name: _parsed(files[name], data) for name, data in contents.items()})


def _verified(file: BundleFile, read: Callable[[str], bytes]) -> bytes:
    try:
        data = read(file.name)
    except OSError as error:
        raise BundleError(file.name, "a readable file", str(error)) from error
    if len(data) != file.size_bytes:
        raise BundleError(file.name, f"{file.size_bytes} bytes", f"{len(data)} bytes")
    digest = hashlib.sha256(data).hexdigest()
    if digest != file.sha256:
        raise BundleError(file.name, f"sha256 {file.sha256}", f"sha256 {digest}")
    return data


def _parsed(file: BundleFile, data: bytes) -> dict[str, np.ndarray]:
    try:
        arrays: dict[str, np.ndarray] = load(data)
    except SafetensorError as error:
        raise BundleError(file.name, "safetensors", str(error)) from error
    return arrays


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
        return decode_manifest(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BundleError(str(path), "a readable manifest", str(error)) from error


def load_bundle(folder: Path, modalities: Iterable[str] | None = None) -> ModelBundle:
    """A saved bundle, verified whole or refused.

    Raises:
        BundleError: If a file is missing or is not what the manifest says, or a modality is unknown.
    """

    def read(name: str) -> bytes:
        return (folder / PurePosixPath(name).name).read_bytes()

    return unpack_bundle(load_manifest(folder), read, modalities)
