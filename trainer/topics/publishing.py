"""Candidates to the registry and to `models`, tried again until they are there. Knows nothing of training."""

import logging
import threading
from collections.abc import Callable

import msgspec

from encoders.bundle import BundleConflict, BundleError, ModelBundle, pack_bundle
from encoders.errors import MmbindError
from encoders.manifest import ModelManifest
from streams.models.channels import ChannelView, decision_record, version_record
from streams.models.registry import Registry
from streams.service.backoff import Backoff
from trainer.bridging import bridged
from trainer.candidate import Candidate
from trainer.topics.following import Following, Trials
from trainer.topics.models import ModelsTopic

log = logging.getLogger(__name__)

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0
MAX_WAITING = 8
# Numbers that are taken by other contents before the registry is thought to be somebody else's.
TAKEN_VERSIONS = 1000


class NotTheOwner(MmbindError):  # noqa: N818 - it says what is so
    """Somebody else published what this trainer does not go on from; the message says what to do."""


class _NotNow(Exception):  # noqa: N818 - to be tried again
    pass


class Publisher:
    """Announces candidates, in their order, in a thread of its own: a bucket that is away does not hold up training.

    Whatever of a candidate is there already is left alone, so that one may be offered again after a crash. Nothing is
    announced after a version that is not known here: a trainer with another data folder, or one that slept while
    another went on in its place, must not put its own over it.

    Args:
        models: The topic.
        registry: Where the files go.
        channel: Is moved to a version that passed.
        now_ns: The time, for the moves.
        may_publish: Asked before anything is written; while it says no, nothing is.
        last_version: The newest that was announced in an earlier life.
        lineage: Of the training; a version without one is anybody's.
        first_retry_s: Wait after the first failure; it doubles from there.
        trials: Has a version that passed tried by some before the channel is moved to it.
    """

    def __init__(
        self,
        models: ModelsTopic,
        registry: Registry,
        channel: str,
        now_ns: Callable[[], int],
        may_publish: Callable[[], bool] = lambda: True,
        last_version: int = 0,
        lineage: str = "",
        first_retry_s: float = FIRST_RETRY_S,
        trials: Trials | None = None,
    ) -> None:
        self.last_version = last_version
        self.n_failures = 0
        self.complaint = ""
        self.refusal: NotTheOwner | None = None
        self._lineage = lineage
        self._models, self._registry = models, registry
        self._following = Following(models, channel, now_ns, trials)
        self._may_publish, self._first_retry_s = may_publish, first_retry_s
        self._waiting: list[Candidate] = []
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Publishes from now on."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Publishes no more; what is under way may end in `timeout_s`, the rest is done after the next start."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    @property
    def n_waiting(self) -> int:
        """Candidates that are not announced yet."""
        return len(self._waiting)

    def claim(self, adopt_version: int = 0) -> None:
        """Takes the newest version for the one that the next follows on. To be called first, by whoever may publish.

        Args:
            adopt_version: One of another lineage that may be followed on.

        Raises:
            NotTheOwner: If the newest version is of another lineage, and not the one to adopt.
            LogError: If the topic cannot be read.
            KafkaError: If the broker cannot be reached.
        """
        newest = self._models.refresh().newest
        if newest is None:
            return
        if newest.lineage not in ("", self._lineage):
            if newest.version != adopt_version:
                raise NotTheOwner(
                    f"the newest model, version {newest.version}, is of another training, whose checkpoints are not in "
                    "this data folder: use its runtime.data_dir, or another topics.prefix; to go on in its place "
                    f"without them, set trainer.adopt_version to {newest.version}"
                )
            log.warning("version %d of another training is followed on, as trainer.adopt_version says", newest.version)
        self.last_version = max(self.last_version, newest.version)

    def offer(self, candidate: Candidate) -> None:
        """Has the candidate announced after those offered before it.

        Of more than MAX_WAITING the oldest that failed the gate is given up, or the oldest of all.
        """
        with self._changed:
            self._waiting.append(candidate)
            if len(self._waiting) > MAX_WAITING:
                failed = (one for one in self._waiting if not one.decision.passed)
                self._waiting.remove(next(failed, self._waiting[0]))
                log.warning("a candidate is given up: %d others wait to be published", MAX_WAITING)
            self._changed.notify_all()

    def announce(self, candidate: Candidate) -> int:
        """Makes the candidate readable, then known, then followed if it passed; the version that it got.

        1. its files, verified; 2. its manifest; 3. the decision; 4. the moves of channels.

        Raises:
            RegistryAway: If the registry cannot be reached.
            KafkaError: If the broker cannot.
            BundleError: If what the registry holds is not what was written.
            NotTheOwner: If somebody else published what is not known here.
        """
        view, manifest = self._own_view(candidate.bundle)
        if manifest is None:
            bundle = bridged(candidate, self._registry, view.manifests.get(self.last_version))
            written = self._written(max(view.next_version, bundle.manifest.version), bundle)  # 1
            # Files take their time. Whoever moves the channel after this comes first: moves are numbered by this view.
            view, manifest = self._own_view(candidate.bundle)
            if manifest is None:
                manifest = written
                self._models.append(version_record(manifest))  # 2
        self.last_version = max(self.last_version, manifest.version)
        version = manifest.version
        decision = view.decisions.get(version) or msgspec.structs.replace(candidate.decision, version=version)
        if version not in view.decisions:
            self._models.append(decision_record(decision))  # 3
        if decision.passed:
            self._following.follow(view, decision)  # 4
        return version

    def _own_view(self, bundle: ModelBundle) -> tuple[ChannelView, ModelManifest | None]:
        """The topic's state, and the manifest of these very encoders if they are announced."""
        if not self._may_publish():
            raise _NotNow("another trainer may hold the group")
        view = self._models.refresh()
        announced, newest = self._announced(view, bundle), view.newest
        if newest and newest.lineage and newest.version > self.last_version and newest is not announced:
            whose = "a successor of this training" if newest.lineage == self._lineage else "another training"
            raise NotTheOwner(
                f"version {newest.version} was published by {whose}, and this trainer knows only version "
                f"{self.last_version}: stop one of the two"
            )
        return view, announced

    def _announced(self, view: ChannelView, bundle: ModelBundle) -> ModelManifest | None:
        """The manifest of a version with these very encoders, if there is one."""
        packed, _ = pack_bundle(bundle, "any")
        sums = sorted(file.sha256 for file in packed.files)
        found = (one for one in view.manifests.values() if sorted(file.sha256 for file in one.files) == sums)
        return next(found, None)

    def _written(self, version: int, bundle: ModelBundle) -> ModelManifest:
        for number in range(version, version + TAKEN_VERSIONS):
            manifest = msgspec.structs.replace(
                bundle.manifest, version=number, parent=self.last_version, lineage=self._lineage
            )
            try:
                return self._registry.publish(ModelBundle(manifest, bundle.weights, bundle.bridge))
            except BundleConflict as taken:
                # Left by a trainer that ended before it could announce it, or by another one.
                log.warning("version %d is taken in the registry: %s", number, taken)
        raise BundleError(f"version {version}", "a free number", f"{TAKEN_VERSIONS} of them taken")

    def _run(self) -> None:
        backoff = Backoff(self._first_retry_s, LONGEST_RETRY_S)
        while not self._stop.is_set() and self.refusal is None:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stop.is_set())
                if self._stop.is_set():
                    return
                candidate = self._waiting[0]
            if self._may_publish() and self._try(candidate):
                backoff.reset()
                continue
            self._stop.wait(backoff.next_s())

    def _try(self, candidate: Candidate) -> bool:
        try:
            version = self.announce(candidate)
        except NotTheOwner as refusal:
            self.refusal = refusal
            return False
        except Exception as error:  # each store has exceptions of its own, and training must go on
            self.n_failures += 1
            self.complaint = f"a version cannot be published: {type(error).__name__}: {error}"
            log.warning("a candidate could not be published, trying again: %s: %s", type(error).__name__, error)
            return False
        self.complaint = ""
        with self._changed:
            # It may have been given up meanwhile.
            self._waiting = [one for one in self._waiting if one is not candidate]
        word = "passed" if candidate.decision.passed else "refused"
        log.info("version %d announced, %s by the gate: %s", version, word, candidate.decision.reason)
        return True
