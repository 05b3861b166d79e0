"""Where bundles lie: a folder or a bucket, whatever fsspec reaches. Knows nothing of channels and announces nothing."""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import PurePosixPath

import fsspec

from encoders.bundle import MANIFEST_NAME, BundleConflict, BundleError, ModelBundle, pack_bundle, unpack_bundle
from encoders.card import CARD_NAME, model_card
from encoders.errors import MmbindError
from encoders.manifest import MAX_MANIFEST_BYTES, ModelManifest, decode_manifest
from streams.models.signing import Signer, Verifier
from streams.registry_settings import RegistrySettings

# Of each part of a file's name: whatever a manifest says, nothing outside the root is read or written.
SAFE_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")

# In these a folder is part of a name: to make one would make a bucket where there is none.
OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"}

VERSION_FOLDER = re.compile(r"v[0-9]{1,18}")


class RegistryAway(MmbindError, OSError):  # noqa: N818 - it says what is so
    """The store could not be reached: to be tried again."""


class Registry:
    """Model files below one root, a local folder or a URL such as `s3://bucket/models`.

    A version's files lie in `v<version>/` and never change. The root is told to each service and stands in no record.

    Args:
        root: The folder or URL.
        signer: Signs what is published.
        verifier: If given, or with a signer, nothing is fetched but what it knows.
        license_id: Stands in the model cards; '' for none.

    Raises:
        ValueError: If the root is a URL of a kind that is not installed.
    """

    def __init__(
        self, root: str, *, signer: Signer | None = None, verifier: Verifier | None = None, license_id: str = ""
    ) -> None:
        self._signer, self._verifier = signer, verifier or (signer.verifier if signer else None)
        try:
            # A list that is remembered would hide a new version.
            self._store, path = fsspec.core.url_to_fs(root, use_listings_cache=False)
        except (ValueError, ImportError) as error:
            missing = f"wanted a folder or a URL that fsspec can open: {error}"
            if isinstance(error, ImportError) and root.startswith(("s3:", "s3a:")):
                missing = "for which a package is missing: pip install 'mmbind-stream[s3]'"
            raise ValueError(f"registry.root is {root!r}, {missing}") from error
        self.root, self._license_id = root, license_id
        self._path = str(path).rstrip("/")
        self._has_folders = OBJECT_STORES.isdisjoint(_protocols(self._store))

    @classmethod
    def of(cls, settings: RegistrySettings, *, publishes: bool = False) -> "Registry":
        """That of the settings; their signing key is read only by who publishes.

        Raises:
            ValueError: If the root is a URL of a kind that is not installed.
            KeysError: If a file of a key cannot be used.
        """
        signer = Signer.of(settings.signing_key_file) if publishes else None
        verifier = Verifier.of(settings.public_key_file)
        return cls(settings.root, signer=signer, verifier=verifier, license_id=settings.license)

    def publish(self, bundle: ModelBundle) -> ModelManifest:
        """Writes the bundle's files and a model card, reads the files back and returns the manifest to announce.

        The same contents again are no change: the manifest that is there comes back.

        Raises:
            BundleConflict: If the version is there with other contents.
            BundleError: If what was written does not read back as it should.
            RegistryAway: If the store cannot be reached, is full, or refuses.
        """
        folder = f"v{bundle.manifest.version}"
        manifest, contents = pack_bundle(bundle, folder)
        if self._signer is not None:
            manifest = self._signer.signed(manifest)
        there = self._manifest_in(folder)
        if there is not None and there.files != manifest.files:
            raise BundleConflict(folder, f"version {manifest.version} as it is to be written", "other contents")
        if there is not None and self._is_known(there):
            manifest = there
        else:
            for name, data in contents.items():
                self._write(name, data)
            self._write(f"{folder}/{CARD_NAME}", model_card(manifest, self._license_id).encode())
            # Last: a folder without a manifest is an interrupted write, to be done again.
            self._write(f"{folder}/{MANIFEST_NAME}", manifest.written)
        self.fetch(manifest)
        return manifest

    def fetch(self, manifest: ModelManifest, modalities: Iterable[str] | None = None) -> ModelBundle:
        """The bundle of a manifest, each file compared with the size and hash that the manifest gives.

        Nothing is read before the signature and the sizes are found right.

        Args:
            modalities: Which encoders to read; all without it. Other files are not looked at.

        Raises:
            BundleError: If a file is missing, damaged, too large or named out of bounds, a modality is unknown, or the
                manifest is not signed as it must be.
                Its `__cause__` is a RegistryAway where the store could not be reached.
        """
        if self._verifier is not None:
            self._verifier.check(manifest)
        for file in (*manifest.files, *([manifest.bridge] if manifest.bridge else [])):
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

    def manifests(self) -> list[ModelManifest]:
        """Those of all versions that lie here and can be read, ascending.

        Raises:
            RegistryAway: If the store cannot be reached.
        """
        found = []
        for version in self.versions():
            with suppress(BundleError):
                found.append(self._manifest_in(f"v{version}"))
        return [one for one in found if one is not None]

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

    def _is_known(self, manifest: ModelManifest) -> bool:
        """Whether a manifest that lies here is as it must be signed."""
        try:
            if self._verifier is not None:
                self._verifier.check(manifest)
        except BundleError:
            return False
        return True

    def _full(self, name: str) -> str:
        parts = name.split("/")
        if not all(SAFE_PART.fullmatch(part) for part in parts):
            raise BundleError(repr(name), "a path below the registry's root", "one that may lead out of it")
        return f"{self._path}/{name}"

    def _read(self, name: str, size_bytes: int | None = None) -> bytes:
        """A file of so many bytes, refused unread where it has others; a manifest of at most MAX_MANIFEST_BYTES."""
        path = self._full(name)
        try:
            size = int(self._store.info(path)["size"])
            if size_bytes is not None and size != size_bytes:
                raise BundleError(path, f"{size_bytes} bytes", f"{size} bytes")
            if size_bytes is None and size > MAX_MANIFEST_BYTES:
                raise BundleError(path, f"a manifest of at most {MAX_MANIFEST_BYTES} bytes", f"{size} bytes")
            # No more than was asked about, whatever has grown since. Of nothing there is no range to ask for.
            data: bytes = self._store.cat_file(path, start=0, end=size) if size else b""
        except (FileNotFoundError, BundleError):
            raise
        except Exception as error:  # each store has exceptions of its own
            raise RegistryAway(f"{path}: {type(error).__name__}: {error}") from error
        return data

    def _write(self, name: str, data: bytes) -> None:
        path = self._full(name)
        try:
            if self._has_folders:
                self._store.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
            # Within a transaction a file is seen whole or not at all.
            with self._store.transaction:
                self._store.pipe_file(path, data)
        except Exception as error:  # each store has exceptions of its own
            raise RegistryAway(f"{path}: {type(error).__name__}: {error}") from error


def _protocols(store: fsspec.AbstractFileSystem) -> set[str]:
    return {store.protocol} if isinstance(store.protocol, str) else set(store.protocol)
