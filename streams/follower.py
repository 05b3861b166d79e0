"""ModelFollower: the newest encoders of a channel, in a user's own process."""

import logging
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType

import numpy as np

from encoders.bundle import ModelBundle
from encoders.errors import MmbindError
from encoders.loaded_model import LoadedModel
from encoders.manifest import ModelManifest
from encoders.scaling import Scaling
from streams.features import FeatureMaker
from streams.labels import LABEL
from streams.models.log import KafkaModelLog, ModelLog
from streams.models.registry import Registry
from streams.models.signing import Verifier
from streams.models.watch import ModelWatch
from streams.records import Sample
from streams.settings import BrokerSettings

log = logging.getLogger(__name__)


class NoModelYet(MmbindError, RuntimeError):  # noqa: N818 - it says what is so
    """No version has been loaded so far: see `ModelFollower.wait_for`."""


class ModelFollower:
    """Follows a channel: fetches each new version, verifies and loads it, and swaps it in between two calls of `embed`.

    Outlives the broker's and the store's absence; a model that is damaged or does not fit is counted in `failures`, and
    the old one stays. What it runs is reported to the `followers` topic.

    Args:
        bootstrap_servers: The broker's addresses, or its whole settings where it wants TLS or a password.
        root: The registry's folder or URL, as in the trainer's settings.
        modalities: Those that are needed; all without it.
        follower_id: Names this process in `followers`; host and process number without it.
        on_swap: Called with the old and the new version's number after each swap, in the follower's thread.
        models: Where to read instead of Kafka.
        public_key: PEM file of the trainer's public key; then what it did not sign is refused.

    Example:
        >>> import numpy as np
        >>> from streams.follower import ModelFollower
        >>> windows = np.zeros((8, 250, 3), np.float32)  # in the node's robust units: see Sample.scaled
        >>> with ModelFollower("127.0.0.1:9092", root="mmbind-data/models") as follower:
        ...     if follower.wait_for(version=1, timeout_s=60):
        ...         embeddings = follower.embed({"gyroscope": windows})
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
        public_key: str | None = None,
    ) -> None:
        if isinstance(bootstrap_servers, str):
            bootstrap_servers = BrokerSettings(bootstrap_servers=bootstrap_servers)
        self._model: LoadedModel | None = None
        self._features: tuple[LoadedModel, FeatureMaker] | None = None
        self._device = device
        self._on_swap = on_swap
        self.watch = ModelWatch(
            models or KafkaModelLog(bootstrap_servers, prefix),
            Registry(root, verifier=Verifier.of(public_key)),
            self._load,
            channel=channel,
            follower_id=follower_id or f"{socket.gethostname()}-{os.getpid()}",
            modalities=modalities,
        )

    def start(self) -> None:
        """Follows from now on, in a thread of its own."""
        self.watch.start()

    def stop(self) -> None:
        """Follows no more; the present model stays usable."""
        self.watch.stop()

    def __enter__(self) -> "ModelFollower":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def model(self) -> LoadedModel:
        """The present model, to use for several calls that must be of one version.

        Raises:
            NoModelYet: Before the first one.
        """
        if self._model is None:
            raise NoModelYet("no model yet: wait_for(version, timeout_s) waits for one")
        return self._model

    @property
    def version(self) -> int:
        """The present model's number, 0 before the first one."""
        return self._model.version if self._model else 0

    @property
    def manifest(self) -> ModelManifest | None:
        """What the present model says of itself."""
        return self._model.manifest if self._model else None

    @property
    def failures(self) -> int:
        """How often a new model could not be taken up."""
        return self.watch.failures

    @property
    def swaps(self) -> int:
        """How often a new model was taken up."""
        return self.watch.swaps

    def wait_for(self, version: int = 1, timeout_s: float = 30.0) -> bool:
        """Whether this version or a newer one is loaded, waited for at most `timeout_s`."""
        return self.watch.wait_for(version, timeout_s)

    def embed(self, windows: Mapping[str, np.ndarray], scaling: Mapping[str, Scaling] | None = None) -> np.ndarray:
        """Fused embeddings `[N, dim]` by one version: see LoadedModel.embed.

        Raises:
            NoModelYet: Before the first model.
            ValueError: If the windows do not fit the model.
        """
        return self.model.embed(windows, scaling)

    def embed_sample(self, sample: Sample) -> np.ndarray:
        """The fused embedding `[dim]` of those windows of a sample for which there are encoders, its label's left out.

        Raises:
            NoModelYet: Before the first model.
            ValueError: If there is none.
        """
        model = self.model
        names = [name for name in sample.windows if name in model.encoders and name != LABEL]
        known = {name: sample.scaled(name)[None] for name in names}
        row: np.ndarray = model.embed(known)[0]
        return row

    def features(self, windows: Mapping[str, np.ndarray], scaling: Mapping[str, Scaling]) -> np.ndarray:
        """Features `[N, dim]` by one version, to learn from labels with; what their columns are: see FeatureMaker.

        Args:
            windows: Raw, `[N, T, C]` for each modality, row by row of the same moments of one source.
            scaling: The source's, for each modality (a Sample carries it).

        Raises:
            NoModelYet: Before the first model.
            ValueError: If the windows do not fit the model.
        """
        return self._maker().of_source(windows, scaling)

    def features_of_sample(self, sample: Sample) -> np.ndarray:
        """The features `[dim]` of those windows of a sample for which there are encoders; raises as `features` does."""
        maker = self._maker()
        raw = {name: window[None] for name, window in sample.windows.items() if name in maker.modalities}
        row: np.ndarray = maker.of_source(raw, sample.scaling)[0]
        return row

    def _maker(self) -> FeatureMaker:
        """That of the present model: made once for each."""
        model = self.model
        if self._features is None or self._features[0] is not model:
            self._features = model, FeatureMaker(model)
        return self._features[1]

    def _load(self, manifest: ModelManifest | None, bundle: ModelBundle | None) -> None:
        old = self.version
        if manifest is None or bundle is None:
            self._model = None
        else:
            # Here, so that a process that only sends windows needs no torch.
            from encoders.nets import load_encoders

            self._model = LoadedModel(manifest, load_encoders(bundle, device=self._device), bundle.bridge)
        if self._on_swap:
            try:
                self._on_swap(old, self.version)
            except Exception:  # the swap has happened; what the user's code does with the news is its own affair
                log.exception("on_swap failed")
