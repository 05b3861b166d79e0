"""When a version that could not be taken up may be tried again."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from encoders.bundle import BundleError, ModelBundle
from encoders.errors import MmbindError
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec
from streams.models.channels import ChannelView
from streams.service.backoff import Backoff

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0


class FilesUnusable(MmbindError):  # noqa: N818 - it never leaves this package
    """The files could not be had as the manifest says; its `__cause__` says why."""


class PassedOver(MmbindError):  # noqa: N818 - no error: the watch goes on to the other one
    """While a version was taken up, the channel came to point at another one."""


class BundleSource(Protocol):
    """Where bundles are fetched from: a Registry, or what stands in front of one."""

    def fetch(self, manifest: ModelManifest, modalities: Iterable[str] | None = None) -> ModelBundle:
        """The verified bundle of a manifest; raises as Registry.fetch does."""
        ...


def announced(view: ChannelView, version: int, specs: Mapping[str, ModalitySpec] | None = None) -> ModelManifest:
    """The manifest of a version that a channel points at.

    Raises:
        BundleError: If there is none, or its windows have other shapes than these specs say.
    """
    manifest = view.manifests.get(version)
    if manifest is None:
        raise BundleError(f"version {version}", "a manifest", "none: it was never announced, or was removed")
    for spec in manifest.modalities:
        own = (specs or {}).get(spec.name)
        if own and not own.has_windows_of(spec):
            raise BundleError(f"version {version}", f"{spec.name} as in our settings, {own}", str(spec))
    return manifest


def fetched(source: BundleSource, manifest: ModelManifest, modalities: Iterable[str] | None) -> ModelBundle:
    """The verified bundle.

    Raises:
        FilesUnusable: Whatever was wrong; worth another try.
    """
    try:
        return source.fetch(manifest, modalities)
    except Exception as error:
        raise FilesUnusable from error


class Tries:
    """Remembers which version failed, and why; it may be tried again later, or when it is announced again.

    Where its files could not be had as they should be (the store away, a file missing or damaged), later is after 1 s,
    then 2 s, up to 60 s. What does not load or was never announced does not get better by itself.

    Args:
        now_s: A clock that never goes back.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._retry = Backoff(FIRST_RETRY_S, LONGEST_RETRY_S)
        self._retry_at_s = float("inf")
        self.failed: int | None = None
        self.failures = 0
        self.last_error = ""

    def may_try(self, version: int) -> bool:
        """Whether it did not fail, or its time has come."""
        return self.failed != version or self._now_s() >= self._retry_at_s

    def fail(self, version: int, error: Exception) -> None:
        """It could not be taken up."""
        is_of_files = isinstance(error, FilesUnusable)
        cause = (error.__cause__ or error) if is_of_files else error
        self.failures += 1
        told = str(cause) if isinstance(cause, BundleError) else repr(cause)
        names_it = re.match(rf"version {version}\b", told)
        self.last_error = told if names_it else f"version {version}: {told}"
        self.failed = version
        self._retry_at_s = self._now_s() + self._retry.next_s() if is_of_files else float("inf")

    def succeed(self) -> None:
        """What was wanted is in use."""
        self.last_error = ""
        self.forget()

    def forget(self) -> None:
        """Something changed: whatever failed may be tried at once."""
        self.failed = None
        self._retry.reset()

    def hear(self, key: bytes) -> None:
        """A record with this key came: what is announced again may be tried at once."""
        if key == f"version/{self.failed}".encode():
            self.forget()
