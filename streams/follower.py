"""ModelFollower: the newest encoders of a channel, in a user's own process."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import TracebackType

from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from streams.messages.topic_names import TopicNames
from streams.models.cache import ModelCache, NearestFirst
from streams.models.embedder import Embedder
from streams.models.log import KafkaModelLog, ModelLog, followed
from streams.models.node_scalings import NodeScalings, Records, no_records
from streams.models.raw import SCALING_WINDOWS
from streams.models.registry import Registry
from streams.models.serving import Embedded, NoModelYet, VersionInUse, loaded
from streams.models.signing import Verifier
from streams.models.trial import TrialWatch
from streams.models.watch import ModelWatch
from streams.records import Rollout
from streams.settings import BrokerSettings

__all__ = ["Embedded", "ModelFollower", "NoModelYet"]

log = logging.getLogger(__name__)

# Without a version for so long, the kept one is served: by then a broker and a store that are there have answered.
CACHE_AFTER_S = 3.0


class ModelFollower(Embedder):
    """Follows a channel: fetches each new version, verifies and loads it, and swaps it in between two calls of `embed`.

    Outlives the broker's and the store's absence; a model that is damaged or does not fit is counted in `failures`, and
    the old one stays. What it runs, and how that does, is reported to the `followers` topic. Calls may come from many
    threads: each is answered by one version as a whole.

    A version on trial, where this follower is chosen to take part, is loaded beside the one served. Then `embed`,
    `embed_versioned` and `embed_sample` embed with both, one after the other: they take the time of both, and the
    weights of both are in memory. The served one's result is given, unless the trial is of the kind that is handed out
    (`Rollout.serves`); what fails on trial is counted and never raised. `model`, `version` and `features` are the
    served one's all the time.

    Args:
        bootstrap_servers: The broker's addresses, or its whole settings where it wants TLS or a password.
        root: The registry's folder or URL, as in the trainer's settings.
        modalities: Those that are needed; all without it.
        follower_id: Names this process in `followers`; host and process number without it.
        on_swap: Called with the old and the new version's number after each swap, in the follower's thread.
        models: Where to read versions instead of Kafka.
        scalings: Where to read the nodes' scalings instead of Kafka, for `embed_raw`; nowhere where only `models` is
            given.
        cache: A folder for the last two versions served here. Where no version can be had within three seconds of the
            start, broker or store being away, the last one is served from there until the channel's can be had.
            Processes that follow the same channel of the same installation may share it.
        public_key: PEM file of the trainer's public key; then what it did not sign is refused.
        scaling_windows: So many raw windows scale a node exactly that the stream does not know; as
            `ingest.scaling_windows` in the settings.

    Example:
        >>> import numpy as np
        >>> from streams.follower import ModelFollower
        >>> windows = np.zeros((8, 250, 3), np.float32)  # as the sensor gives them
        >>> with ModelFollower("127.0.0.1:9092", root="mmbind-data/models") as follower:
        ...     if follower.wait_for(version=1, timeout_s=60):
        ...         embeddings = follower.embed_raw("node-7", {"gyroscope": windows})
        >>> embeddings.shape, follower.version
        ((8, 64), 1)
    """

    def __init__(
        self,
        bootstrap_servers: str | BrokerSettings = "127.0.0.1:9092",
        root: str = "mmbind-data/models",
        *,
        channel: str = "stable",
        prefix: str = "mmbind.",
        modalities: Iterable[str] | None = None,
        follower_id: str | None = None,
        device: str = "cpu",
        on_swap: Callable[[int, int], None] | None = None,
        models: ModelLog | None = None,
        scalings: Records | None = None,
        cache: str | Path | None = None,
        public_key: str | None = None,
        scaling_windows: int = SCALING_WINDOWS,
    ) -> None:
        if isinstance(bootstrap_servers, str):
            bootstrap_servers = BrokerSettings(bootstrap_servers=bootstrap_servers)
        follower_id = follower_id or f"{socket.gethostname()}-{os.getpid()}"
        modalities = None if modalities is None else tuple(modalities)
        super().__init__(_scalings(bootstrap_servers, prefix, models, scalings), scaling_windows)
        self._swap = threading.Lock()
        self._device, self._on_swap = device, on_swap
        verifier = Verifier.of(public_key)
        self._cache = None if cache is None else ModelCache(cache, channel, modalities, verifier)
        source = NearestFirst(lambda: trials.bundle, self._cache, Registry(root, verifier=verifier))
        trials = TrialWatch(source, self._try, channel=channel, follower_id=follower_id, modalities=modalities)
        self.watch = ModelWatch(
            models or KafkaModelLog(bootstrap_servers, prefix),
            source,
            self._load,
            channel=channel,
            follower_id=follower_id,
            modalities=modalities,
            trials=trials,
            told=lambda: self._serving.told(),
        )

    def start(self) -> None:
        """Follows from now on, in a thread of its own."""
        self.watch.start()
        if self._cache is not None:
            threading.Thread(target=self._fall_back, args=(self._cache,), name="model-cache", daemon=True).start()

    def stop(self) -> None:
        """Follows no more; the present model stays usable."""
        self.watch.stop()
        self._scalings.stop()

    def __enter__(self) -> "ModelFollower":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def failures(self) -> int:
        """How often a new model could not be taken up, or tried."""
        return self.watch.failures

    @property
    def swaps(self) -> int:
        """How often a new model was taken up."""
        return self.watch.swaps

    def wait_for(self, version: int = 1, timeout_s: float = 30.0) -> bool:
        """Whether this version or a newer one is loaded, waited for at most `timeout_s`."""
        return self.watch.wait_for(version, timeout_s)

    def _load(self, manifest: ModelManifest | None, bundle: ModelBundle | None) -> None:
        old = self.version
        if manifest is None or bundle is None:
            present = None
        else:
            tried = self._serving.trial
            is_loaded = tried is not None and tried.model.manifest == manifest
            present = VersionInUse(tried.model if tried and is_loaded else loaded(bundle, self._device))
        with self._swap:
            self._serving = self._serving.with_present(present)
        if self._cache is not None and bundle is not None:
            self._cache.keep(bundle)
        if self._on_swap:
            try:
                self._on_swap(old, self.version)
            except Exception:  # the swap has happened; what the user's code does with the news is its own affair
                log.exception("on_swap failed")

    def _try(self, rollout: Rollout | None, bundle: ModelBundle | None) -> None:
        """Called by the TrialWatch."""
        trial = None
        if bundle is not None:
            trial = self._serving.trial
            if trial is None or trial.model.manifest != bundle.manifest:
                trial = VersionInUse(loaded(bundle, self._device))
        with self._swap:
            self._serving = self._serving.with_trial(trial, rollout is not None and rollout.serves)

    def _fall_back(self, cache: ModelCache) -> None:
        if self.watch.wait_until_settled(CACHE_AFTER_S):
            return
        for bundle in cache.newest_first():
            if self.watch.take_up(bundle):
                log.warning("version %d is served as it was kept, until the channel's can be had", self.version)
                return


def _scalings(broker: BrokerSettings, prefix: str, models: ModelLog | None, scalings: Records | None) -> NodeScalings:
    topic = TopicNames(prefix).scalings
    of_kafka = partial(followed, broker, topic) if models is None else no_records
    return NodeScalings(scalings or of_kafka)
