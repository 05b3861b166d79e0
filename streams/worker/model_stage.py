"""Takes up the models of a channel: its encoder of the shared modality becomes the next generation of the binder."""

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError

from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from streams.arrival.row_vectors import EncoderFunction
from streams.models.log import KafkaModelLog
from streams.models.registry import Registry
from streams.models.watch import ModelWatch
from streams.settings import StreamSettings
from streams.worker.bind_stage import BindStage

FIRST_MODEL_S = 15.0


class ModelStage:
    """Follows `settings.registry.channel` in a thread of its own, from `start` to `stop`."""

    def __init__(self, settings: StreamSettings, bind: BindStage, worker: str) -> None:
        self._settings = settings
        self._bind = bind
        self._loop: asyncio.AbstractEventLoop | None = None
        self.watch = ModelWatch(
            KafkaModelLog(settings.broker, settings.topics.prefix),
            Registry(settings.registry.root),
            self._take_up,
            channel=settings.registry.channel,
            follower_id=worker,
            specs=settings.specs,
        )

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Follows from now on, if it does not yet; models are taken up in `loop`."""
        if self._loop is None:
            self._loop = loop
            self.watch.start()

    def stop(self) -> None:
        """Follows no more."""
        self.watch.stop(timeout_s=2)

    def wait_for_present(self, timeout_s: float = FIRST_MODEL_S) -> None:
        """Returns when the model that the channel points at is taken up or cannot be; at most after `timeout_s`."""
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            wanted = self.watch.view.current(self._settings.registry.channel) or 0
            if not self.watch.complaints() and (self.watch.version == wanted or self.watch.failures):
                return
            time.sleep(0.02)

    def _take_up(self, manifest: ModelManifest | None, bundle: ModelBundle | None) -> None:
        """Called by the watch, in its thread; returns when the generation is swapped in."""
        assert self._loop is not None, "the watch was started without a loop"
        version = manifest.version if manifest else 0
        encoders = self._encoders(bundle) if bundle else {}
        taken = asyncio.run_coroutine_threadsafe(self._bind.take_up(version, encoders), self._loop)
        try:
            taken.result()
        except CancelledError as stopped:
            raise RuntimeError("the worker stops") from stopped

    def _encoders(self, bundle: ModelBundle) -> Mapping[str, EncoderFunction]:
        # Here, so that a worker without a model needs no torch.
        from encoders.nets import load_encoders

        runtime = self._settings.runtime
        known = [name for name in bundle.weights if name in self._settings.specs]
        return load_encoders(bundle, known, device=runtime.device, threads=runtime.threads)
