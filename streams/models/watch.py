"""Follows a channel and delivers its model, verified; keeps the present one when the new one is no good."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec
from streams.models.channels import ChannelView
from streams.models.log import ModelLog, ModelRecord
from streams.models.reporting import Reporter, Told
from streams.models.trial import TrialWatch
from streams.models.tries import BundleSource, PassedOver, Tries, announced, fetched

log = logging.getLogger(__name__)

OnModel: TypeAlias = Callable[[ModelManifest | None, ModelBundle | None], None]


class ModelWatch:
    """Calls `on_model` with each version that the channel comes to point at, in a thread of its own from `start` on.

    `on_model(manifest, bundle)` may take long and returns when the new model is in use; if it raises, the old one is
    taken to be still in use. Both arguments are None where the channel goes back to version 0, which has no encoders.
    Versions that were passed over while it worked are not delivered; while it waits it may ask `check_wanted`. A
    version that fails is tried again when it is announced again or the channel moves; where its files could not be had
    as they should, also after a while. What is in use is reported after each change, at the end, and now and then: see
    Reporter.

    Args:
        source: Where bundles come from: a Registry.
        modalities: Those whose encoders are fetched; all without it.
        specs: If given, a model whose windows have other shapes than these is refused.
        now_s: A clock that never goes back.
        trials: Has a version tried beside the one in use; none is without it.
        told: Completes the reports.
        changed: Is notified when `version`, `is_caught_up` or `has_failed` may have changed; one of its own without it.
    """

    def __init__(
        self,
        models: ModelLog,
        source: BundleSource,
        on_model: OnModel,
        *,
        channel: str = "stable",
        follower_id: str = "",
        modalities: Iterable[str] | None = None,
        specs: Mapping[str, ModalitySpec] | None = None,
        now_s: Callable[[], float] = time.monotonic,
        trials: TrialWatch | None = None,
        told: Told = lambda: (None, None, None),
        changed: threading.Condition | None = None,
    ) -> None:
        self.view = ChannelView()
        self.version = 0
        self.swaps = 0
        self._models, self._source, self._on_model = models, source, on_model
        self._channel = channel
        self._modalities = None if modalities is None else tuple(modalities)
        self._specs = specs
        self._trials = trials
        self._reporter = Reporter(models, channel, follower_id, told, now_s)
        self.is_caught_up = False
        self._tries = Tries(now_s)
        self._has_passed_over = False  # since a version was taken up, or failed
        self._death = ""
        self._delivering = threading.Lock()
        # What `take_up` delivered: another one may be announced under its number.
        self._unconfirmed: ModelManifest | None = None
        self._records: Iterator[ModelRecord | None] = iter(())
        self._stop = threading.Event()
        self._changed = changed or threading.Condition()
        self._thread = threading.Thread(target=self._run, name="model-watch", daemon=True)

    def start(self) -> None:
        """Follows from now on."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Follows no more; a delivery that is under way is given `timeout_s`."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def wait_for(self, version: int = 1, timeout_s: float = 30.0) -> bool:
        """Whether this version or a newer one is in use, waited for at most `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: self.version >= version, timeout_s)

    def wait_until_settled(self, timeout_s: float) -> bool:
        """Whether a version is in use, or none is wanted, or all was stopped; waited for at most `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_settled or self._stop.is_set(), timeout_s)

    def take_up(self, bundle: ModelBundle) -> bool:
        """Delivers a version from elsewhere, to be used until the channel's can be had; whether it is in use now.

        Not where there is one already, or none is wanted. For any thread.
        """
        with self._delivering:
            if self._is_settled:
                return False
            try:
                self._on_model(bundle.manifest, bundle)
            except Exception:  # as `_switch` does
                log.exception("version %d does not load", bundle.manifest.version)
                return False
            self._unconfirmed = bundle.manifest
            self._in_use(bundle.manifest.version)
        return True

    @property
    def failures(self) -> int:
        """How often a version could not be taken up, or tried."""
        return self._tries.failures + (self._trials.tries.failures if self._trials else 0)

    @property
    def last_error(self) -> str:
        """What went wrong last and is not mended; empty where all is well."""
        return self._death or self._tries.last_error or (self._trials.tries.last_error if self._trials else "")

    @property
    def wanted(self) -> int:
        """The version that the channel points at; 0 where it was never moved."""
        return self.view.current(self._channel) or 0

    def has_failed(self, version: int) -> bool:
        """Whether this version, of those that are wanted, could not be taken up when it was last tried."""
        return self._tries.failed == version

    def check_wanted(self, version: int) -> None:
        """For `on_model`, in its thread: reads on; raises PassedOver, to be let through, if another one is wanted.

        For a newer one only where none was passed over before it: else, where versions come faster than they can be
        taken up, none would ever be.
        """
        for record in iter(lambda: next(self._records, None), None):
            self._apply(record)
        if self.wanted < version or (self.wanted > version and not self._has_passed_over):
            raise PassedOver(f"version {version} is passed over: the channel points at {self.wanted}")

    def complaints(self) -> list[str]:
        """What is wrong, for a health check; empty while all is well."""
        found = [] if self.is_caught_up else ["the models topic is not read to its end yet"]
        if self._thread.ident is not None and not self._thread.is_alive() and not self._stop.is_set():
            found.append(f"models are not followed any more: {self.last_error}")
        return found

    def follow(self, record: ModelRecord | None) -> None:
        """Takes note of one record, or of None where there are no more at present, and acts on what it changed."""
        if record is not None:
            self._apply(record)
        elif not self.is_caught_up:
            with self._changed:
                self.is_caught_up = True
                self._changed.notify_all()
        # Not before: the versions of the past would be fetched one after the other.
        if self.is_caught_up:
            self._consider(is_idle=record is None)

    @property
    def _is_settled(self) -> bool:
        return self.version > 0 or (self.is_caught_up and self.wanted == 0)

    def _run(self) -> None:
        try:
            self._records = self._models.records(self._stop)
            for record in self._records:
                self.follow(record)
            if self.is_caught_up:
                self._report(is_last=True)
        except Exception as error:
            self._death = f"{type(error).__name__}: {error}"
            log.exception("models are not followed any more")
        finally:
            self._models.close()

    def _apply(self, record: ModelRecord) -> None:
        wanted = self.view.current(self._channel)
        if refusal := self.view.apply(record.key, record.value, record.offset):
            log.info("models record %s at offset %d changes nothing: %s", refusal.key, refusal.offset, refusal.reason)
        if self.view.current(self._channel) != wanted:
            self._tries.forget()
        for tries in (self._tries, self._trials.tries if self._trials else None):
            if tries is not None:
                tries.hear(record.key)

    def _consider(self, is_idle: bool) -> None:
        wanted = self.wanted
        is_due = self._reporter.is_due
        if not self._has(wanted) and self._tries.may_try(wanted):
            self._switch(wanted)
            is_due = True
        if self._trials is not None:
            is_due |= self._trials.consider(self.view, self.version, is_idle)
        if is_due:
            self._report()

    def _has(self, wanted: int) -> bool:
        known, ours = self.view.manifests.get(wanted), self._unconfirmed
        return wanted == self.version and not (known and ours and known.files != ours.files)

    def _switch(self, wanted: int) -> None:
        old = self.version
        try:
            manifest, bundle = self._fetch(wanted)
            with self._delivering:
                self._on_model(manifest, bundle)
                self._unconfirmed = None
                self._in_use(wanted)
        except PassedOver as passed:
            self._has_passed_over = True
            log.info("%s", passed)
            return
        except Exception as error:  # whatever is wrong with a new model, the present one goes on
            with self._changed:
                self._tries.fail(wanted, error)
                self._changed.notify_all()
            log.error("keeping model version %d: %s", self.version, self._tries.last_error)
        else:
            log.info("swapped model: version %d after %d", wanted, old)
        self._has_passed_over = False

    def _in_use(self, version: int) -> None:
        with self._changed:
            self.version, self.swaps = version, self.swaps + 1
            if version == self.wanted:
                self._tries.succeed()
            self._changed.notify_all()

    def _fetch(self, wanted: int) -> tuple[ModelManifest | None, ModelBundle | None]:
        if wanted == 0:
            return None, None
        manifest = announced(self.view, wanted, self._specs)
        return manifest, fetched(self._source, manifest, self._modalities)

    def _report(self, is_last: bool = False) -> None:
        is_trying = self._trials is not None and self._trials.version > 0
        self._reporter.report(
            self.version, self.swaps, self.failures, self.last_error, is_trying=is_trying, is_last=is_last
        )
