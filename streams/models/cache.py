"""The last versions that a process served, on its own disk: for a start without the broker or the store."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

import msgspec

from encoders.bundle import MANIFEST_NAME, BundleError, ModelBundle, load_bundle, load_manifest, pack_bundle
from encoders.manifest import ModelManifest
from streams.models.signing import Verifier
from streams.models.tries import BundleSource

log = logging.getLogger(__name__)

KEPT = 2
# What a process left half written when it was killed is removed after so long.
LEFT_OVER_S = 3600.0


class ModelCache:
    """Keeps the bundles that were served last, each in a folder that is there whole or not at all.

    Processes that follow the same channel for the same modalities may share it. The name of a bundle's folder holds the
    manifest's hash, and the manifest holds its files': whatever is damaged is noticed, and is not read.

    Args:
        folder: Is made if it is not there.
        channel: Of another channel's bundles nothing is seen.
        modalities: Whose encoders are kept; all without it.
        verifier: If given, only what it knows is found here.
    """

    def __init__(
        self,
        folder: str | Path,
        channel: str,
        modalities: Iterable[str] | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        self._verifier = verifier
        self._modalities = None if modalities is None else sorted(modalities)
        whose = hashlib.sha256(json.dumps([channel, self._modalities]).encode()).hexdigest()[:16]
        self._folder = Path(folder) / f"followed-{whose}"

    def keep(self, bundle: ModelBundle) -> None:
        """Makes this the newest one; what goes wrong is logged and nothing else, for the bundle itself is in use."""
        try:
            folder = self._folder / _name_of(bundle.manifest)
            if folder.exists() and self._whole(folder) is None:
                self._remove(folder)
            if not folder.exists():
                self._write(bundle, folder)
            self._make_newest(folder)
            self._remove_old()
        except (OSError, ValueError, BundleError) as error:
            log.warning("version %d is not kept in %s: %s", bundle.manifest.version, self._folder, error)

    def find(self, manifest: ModelManifest) -> ModelBundle | None:
        """The bundle of just this manifest, verified; None where it is not here."""
        folder = self._folder / _name_of(manifest)
        return self._whole(folder) if folder.exists() else None

    def newest_first(self) -> Iterator[ModelBundle]:
        """All bundles that are whole, the one that was served last first; damaged ones are passed over, with a line."""
        return (bundle for folder in self._folders() if (bundle := self._whole(folder)))

    def _folders(self) -> list[Path]:
        found = []
        for folder in self._folder.glob("v*"):
            with suppress(OSError):  # another process removed it
                found.append(((folder / MANIFEST_NAME).stat().st_mtime_ns, folder))
        return [folder for _, folder in sorted(found, reverse=True)]

    def _whole(self, folder: Path) -> ModelBundle | None:
        try:
            manifest = load_manifest(folder)
            if self._verifier is not None:
                self._verifier.check(manifest)
            if _name_of(manifest) != folder.name:
                raise BundleError(str(folder / MANIFEST_NAME), f"the manifest of {folder.name}", "another one")
            return load_bundle(folder, self._modalities)
        except BundleError as error:
            log.warning("what was kept is damaged and not used: %s", error)
            return None

    def _write(self, bundle: ModelBundle, folder: Path) -> None:
        """In one step.

        Raises:
            BundleError: If the bundle's weights, written as files, are not those that its manifest names.
            OSError: If it cannot be written.
        """
        known = tuple(spec for spec in bundle.manifest.modalities if spec.name in bundle.weights)
        manifest = msgspec.structs.replace(bundle.manifest, modalities=known)
        ours = ModelBundle(manifest, bundle.weights, bundle.bridge)
        _, contents = pack_bundle(ours, "-")
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".fresh-", dir=self._folder))
        try:
            for name, data in contents.items():
                (fresh / PurePosixPath(name).name).write_bytes(data)
            (fresh / MANIFEST_NAME).write_bytes(bundle.manifest.written)
            load_bundle(fresh, self._modalities)
            fresh.chmod(0o755)
            try:
                fresh.rename(folder)
            except OSError:
                if not folder.exists():  # else another process was first, with the same
                    raise
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _make_newest(self, folder: Path) -> None:
        others = [one for one in self._folders() if one != folder]
        newest_ns = (others[0] / MANIFEST_NAME).stat().st_mtime_ns if others else 0
        # Also where the clock went back, as it does on a machine that starts without one.
        at_ns = max(time.time_ns(), newest_ns + 1)
        os.utime(folder / MANIFEST_NAME, ns=(at_ns, at_ns))

    def _remove_old(self) -> None:
        for folder in self._folders()[KEPT:]:
            self._remove(folder)
        for left in self._folder.glob(".*"):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > LEFT_OVER_S:
                    shutil.rmtree(left, ignore_errors=True)

    def _remove(self, folder: Path) -> None:
        # Renamed first, so that nobody sees half of it.
        aside = Path(tempfile.mkdtemp(prefix=".old-", dir=self._folder))
        with suppress(FileNotFoundError):  # another process was first
            folder.rename(aside / "gone")
        shutil.rmtree(aside, ignore_errors=True)


def _name_of(manifest: ModelManifest) -> str:
    return f"v{manifest.version}-{hashlib.sha256(manifest.written).hexdigest()[:16]}"


class NearestFirst:
    """A source of bundles that downloads only what is not at hand.

    Args:
        held: The bundle in memory, if there is one.
        cache: Those on disk.
        registry: Those that were published.
    """

    def __init__(
        self, held: Callable[[], ModelBundle | None], cache: ModelCache | None, registry: BundleSource
    ) -> None:
        self._held, self._cache, self._registry = held, cache, registry

    def fetch(self, manifest: ModelManifest, modalities: Iterable[str] | None = None) -> ModelBundle:
        """The bundle of just this manifest; raises as Registry.fetch does."""
        held = self._held()
        if held is not None and held.manifest == manifest:
            return held
        kept = self._cache.find(manifest) if self._cache else None
        return kept or self._registry.fetch(manifest, modalities)
