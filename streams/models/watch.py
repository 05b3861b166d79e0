"""Follows a channel and delivers its model, verified; keeps the present one when the new one is no good."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from encoders.bundle import BundleError, ModelBundle
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec
from streams.models.channels import ChannelView
from streams.models.log import ModelLog, ModelRecord
from streams.models.registry import Registry
from streams.records import FollowerReport
from streams.service.backoff import Backoff

log = logging.getLogger(__name__)

REPORT_EVERY_S = 60.0
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0

OnModel: TypeAlias = Callable[[ModelManifest | None, ModelBundle | None], None]


class ModelWatch:
    """Calls `on_model` with each version that the channel comes to point at, in a thread of its own from `start` on.

    `on_model(manifest, bundle)` may take long and returns when the new model is in use; if it raises, the old one is
    taken to be still in use. Both arguments are None where the channel goes back to version 0, which has no encoders.
    Versions that were passed over while it worked are not delivered. A version that fails is tried again when it is
    announced again or the channel moves; where the store or the network was at fault, also after a while.

    Args:
        modalities: Those whose encoders are fetched; all without it.
        specs: If given, a model whose windows have other shapes than these is refused.
        now_s: A clock that never goes back.
        changed: Is notified when `version`, `is_caught_up` or `has_failed` may have changed; one of its own without it.
    """

    def __init__(
        self,
        models: ModelLog,
        registry: Registry,
        on_model: OnModel,
        *,
        channel: str = "stable",
        follower_id: str = "",
        modalities: Iterable[str] | None = None,
        specs: Mapping[str, ModalitySpec] | None = None,
        now_s: Callable[[], float] = time.monotonic,
        changed: threading.Condition | None = None,
    ) -> None:
        self.view = ChannelView()
        self.version = 0
        self.swaps = 0
        self.failures = 0
        self.last_error = ""
        self._models, self._registry, self._on_model = models, registry, on_model
        self._channel, self._follower_id, self._now_s = channel, follower_id, now_s
        self._modalities = None if modalities is None else tuple(modalities)
        self._specs = specs
        self.is_caught_up = False
        self._blocked: int | None = None
        self._retry = Backoff(FIRST_RETRY_S, LONGEST_RETRY_S)
        self._retry_at_s = float("inf")
        self._report_at_s = float("-inf")
        self._stop = threading.Event()
        self._changed = changed or threading.Condition()
        self._thread = threading.Thread(target=self._run, name="model-watch", daemon=True)

    def start(self) -> None:
        """Follows from now on."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Follows no more; a delivery that is under way is given `timeout_s`."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def wait_for(self, version: int = 1, timeout_s: float = 30.0) -> bool:
        """Whether this version or a newer one is in use, waited for at most `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: self.version >= version, timeout_s)

    @property
    def wanted(self) -> int:
        """The version that the channel points at; 0 where it was never moved."""
        return self.view.current(self._channel) or 0

    def has_failed(self, version: int) -> bool:
        """Whether this version, of those that are wanted, could not be taken up when it was last tried."""
        return self._blocked == version

    def complaints(self) -> list[str]:
        """What is wrong, for a health check; empty while all is well."""
        found = [] if self.is_caught_up else ["the models topic is not read to its end yet"]
        if self._thread.ident is not None and not self._thread.is_alive() and not self._stop.is_set():
            found.append(f"models are not followed any more: {self.last_error}")
        return found

    def follow(self, record: ModelRecord | None) -> None:
        """Takes note of one record, or of None where there are no more at present, and acts on what it changed."""
        if record is None:
            self._catch_up()
        else:
            self._apply(record)
        # Not before: the versions of the past would be fetched one after the other.
        if self.is_caught_up:
            self._consider()

    def _catch_up(self) -> None:
        if not self.is_caught_up:
            with self._changed:
                self.is_caught_up = True
                self._changed.notify_all()

    def _unblock(self) -> None:
        self._blocked = None
        self._retry.reset()

    def _run(self) -> None:
        try:
            for record in self._models.records(self._stop):
                self.follow(record)
        except Exception as error:
            self.last_error = f"{type(error).__name__}: {error}"
            log.exception("models are not followed any more")
        finally:
            self._models.close()

    def _apply(self, record: ModelRecord) -> None:
        wanted = self.view.current(self._channel)
        if refusal := self.view.apply(record.key, record.value, record.offset):
            log.info("models record %s at offset %d changes nothing: %s", refusal.key, refusal.offset, refusal.reason)
        announced = record.key == f"version/{self._blocked}".encode()
        if announced or self.view.current(self._channel) != wanted:
            self._unblock()

    def _consider(self) -> None:
        wanted = self.wanted
        may_try = self._blocked != wanted or self._now_s() >= self._retry_at_s
        if wanted != self.version and may_try:
            self._switch(wanted)
        elif self._now_s() >= self._report_at_s:
            self._report()

    def _switch(self, wanted: int) -> None:
        old = self.version
        try:
            manifest, bundle = self._fetch(wanted)
            self._on_model(manifest, bundle)
        except Exception as error:  # whatever is wrong with a new model, the present one goes on
            self._fail(wanted, error)
        else:
            with self._changed:
                self.version, self.swaps, self.last_error = wanted, self.swaps + 1, ""
                self._unblock()
                self._changed.notify_all()
            log.info("swapped model: version %d after %d", wanted, old)
        self._report()

    def _fetch(self, wanted: int) -> tuple[ModelManifest | None, ModelBundle | None]:
        if wanted == 0:
            return None, None
        manifest = self.view.manifests.get(wanted)
        if manifest is None:
            raise BundleError(f"version {wanted}", "a manifest", "none: it was never announced, or was removed")
        for spec in manifest.modalities:
            own = (self._specs or {}).get(spec.name)
            if own and (own.n_steps, own.n_channels, own.rate_hz) != (spec.n_steps, spec.n_channels, spec.rate_hz):
                raise BundleError(f"version {wanted}", f"{spec.name} as in our settings, {own}", str(spec))
        return manifest, self._registry.fetch(manifest, self._modalities)

    def _fail(self, wanted: int, error: Exception) -> None:
        self.failures += 1
        self.last_error = f"version {wanted}: {error}" if isinstance(error, BundleError) else f"{wanted}: {error!r}"
        with self._changed:
            self._blocked, self._retry_at_s = wanted, float("inf")
            self._changed.notify_all()
        if isinstance(error, OSError) or isinstance(error.__cause__, OSError):
            self._retry_at_s = self._now_s() + self._retry.next_s()
        log.error("keeping model version %d: %s", self.version, self.last_error)

    def _report(self) -> None:
        self._report_at_s = self._now_s() + REPORT_EVERY_S
        if self._follower_id:
            self._models.report(
                FollowerReport(
                    follower_id=self._follower_id,
                    version=self.version,
                    at_ns=time.time_ns(),
                    swaps=self.swaps,
                    failures=self.failures,
                    last_error=self.last_error,
                    details={"channel": self._channel},
                )
            )
