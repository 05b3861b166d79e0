"""Where bundles lie: a folder or a bucket, whatever fsspec reaches. Knows nothing of channels and announces nothing."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

import fsspec
import msgspec

from encoders.bundle import MANIFEST_NAME, BundleConflict, BundleError, ModelBundle, pack_bundle, unpack_bundle
from encoders.errors import MmbindError
from encoders.manifest import ModelManifest, decode_manifest

# Of each part of a file's name: whatever a manifest says, nothing outside the root is read or written.
SAFE_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")

VERSION_FOLDER = re.compile(r"v[0-9]{1,18}")


class RegistryAway(MmbindError, OSError):  # noqa: N818 - it says what is so
    """The store could not be reached: to be tried again."""


class Registry:
    """Model files below one root, a local folder or a URL such as `s3://bucket/models`.

    A version's files lie in `v<version>/` and never change. The root is told to each service and stands in no record.

    Raises:
        ValueError: If the root is a URL of a kind that is not installed.
    """

    def __init__(self, root: str) -> None:
        try:
            self._store, path = fsspec.core.url_to_fs(root)
        except (ValueError, ImportError) as error:
            raise ValueError(
                f"registry.root is {root!r}, wanted a folder or a URL that fsspec can open: {error}"
            ) from error
        self.root = root
        self._path = str(path).rstrip("/")

    def publish(self, bundle: ModelBundle) -> ModelManifest:
        """Writes the bundle's files, reads them back and returns the manifest to announce.

        The same contents again are no change: the manifest that is there comes back.

        Raises:
            BundleConflict: If the version is there with other contents.
            BundleError: If what was written does not read back as it should.
            RegistryAway: If the store cannot be reached, is full, or refuses.
        """
        folder = f"v{bundle.manifest.version}"
        manifest, contents = pack_bundle(bundle, folder)
        there = self._manifest_in(folder)
        if there is not None:
            if there.files != manifest.files:
                raise BundleConflict(folder, f"version {manifest.version} as it is to be written", "other contents")
            manifest = there
        else:
            for name, data in contents.items():
                self._write(name, data)
            # Last: a folder without a manifest is an interrupted write, to be done again.
            self._write(f"{folder}/{MANIFEST_NAME}", msgspec.json.encode(manifest))
        self.fetch(manifest)
        return manifest

    def fetch(self, manifest: ModelManifest, modalities: Iterable[str] | None = None) -> ModelBundle:
        """The bundle of a manifest, each file compared with the size and hash that the manifest gives.

        Args:
            modalities: Which encoders to read; all without it. Other files are not looked at.

        Raises:
            BundleError: If a file is missing, damaged or named out of bounds, or a modality is unknown.
                Its `__cause__` is a RegistryAway where the store could not be reached.
        """
        for file in manifest.files:
            self._full(file.name)
        return unpack_bundle(manifest, self._read, modalities)

    def newest(self) -> ModelManifest | None:
        """The manifest of the highest version that lies here whole, announced or not; None where there is none.

        Raises:
            BundleError: If it is no manifest.
            RegistryAway: If the store cannot be reached.
        """
        manifests = (self._manifest_in(f"v{version}") for version in reversed(self.versions()))
        return next((one for one in manifests if one is not None), None)

    def versions(self) -> list[int]:
        """Those of which something lies here, whole or not, ascending.

        Raises:
            RegistryAway: If the store cannot be reached.
        """
        try:
            names = [PurePosixPath(one).name for one in self._store.ls(self._path, detail=False)]
        except FileNotFoundError:
            return []
        except Exception as error:  # each store has exceptions of its own
            raise RegistryAway(f"{self._path}: {type(error).__name__}: {error}") from error
        return sorted(int(name[1:]) for name in names if VERSION_FOLDER.fullmatch(name))

    def remove(self, version: int) -> bool:
        """Deletes a version's files, manifest first; whether there was anything.

        Raises:
            RegistryAway: If the store cannot be reached, or refuses.
        """
        folder = self._full(f"v{version}")
        try:
            if not self._store.exists(folder):
                return False
            manifest = f"{folder}/{MANIFEST_NAME}"
            if self._store.exists(manifest):
                self._store.rm_file(manifest)
            self._store.rm(folder, recursive=True)
        except Exception as error:  # each store has exceptions of its own
            raise RegistryAway(f"{folder}: {type(error).__name__}: {error}") from error
        return True

    def _manifest_in(self, folder: str) -> ModelManifest | None:
        try:
            return decode_manifest(self._read(f"{folder}/{MANIFEST_NAME}"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise BundleError(f"{folder}/{MANIFEST_NAME}", "a manifest", str(error)) from error

    def _full(self, name: str) -> str:
        parts = name.split("/")
        if not all(SAFE_PART.fullmatch(part) for part in parts):
            raise BundleError(repr(name), "a path below the registry's root", "one that may lead out of it")
        return f"{self._path}/{name}"

    def _read(self, name: str) -> bytes:
        path = self._full(name)
        try:
            data: bytes = self._store.cat_file(path)
        except FileNotFoundError:
            raise
        except Exception as error:  # each store has exceptions of its own
            raise RegistryAway(f"{path}: {type(error).__name__}: {error}") from error
        return data

    def _write(self, name: str, data: bytes) -> None:
        path = self._full(name)
        try:
            self._store.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
            # Within a transaction a file is seen whole or not at all.
            with self._store.transaction:
                self._store.pipe_file(path, data)
        except Exception as error:  # each store has exceptions of its own
            raise RegistryAway(f"{path}: {type(error).__name__}: {error}") from error
