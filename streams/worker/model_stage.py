"""Puts each new model of a channel into the mailbox from which the bind stage takes it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec
from streams.models.log import KafkaModelLog, ModelLog
from streams.models.registry import Registry
from streams.models.tries import PassedOver
from streams.models.watch import ModelWatch
from streams.review.question import Encoders
from streams.settings import RuntimeSettings, StreamSettings
from streams.worker.mailbox import Mailbox, WantedModel

FIRST_MODEL_S = 15.0
# While a model is built, so often is looked whether another one is wanted by now.
LOOK_AGAIN_S = 0.2


class ModelStage:
    """Follows `settings.registry.channel` in a thread of its own, from `start` to `stop`.

    Args:
        settings: Of the worker.
        mailbox: Where the wanted model goes.
        worker: Its name, under which it reports.
        models: The topic of models; the settings' without it.
    """

    def __init__(self, settings: StreamSettings, mailbox: Mailbox, worker: str, models: ModelLog | None = None) -> None:
        self._settings, self._mailbox = settings, mailbox
        self._is_started = False
        self.watch = ModelWatch(
            models or KafkaModelLog(settings.broker, settings.topics.prefix),
            Registry.of(settings.registry),
            self._hand_over,
            channel=settings.registry.channel,
            follower_id=worker,
            specs=settings.specs,
            changed=mailbox.changed,
        )

    def start(self) -> None:
        """Follows from now on, if it does not yet."""
        if not self._is_started:
            self._is_started = True
            self.watch.start()

    def stop(self) -> None:
        """Follows no more."""
        self._mailbox.close()
        self.watch.stop(timeout_s=2)

    def wait_for_present(self, timeout_s: float = FIRST_MODEL_S) -> None:
        """Returns when the channel's model lies in the mailbox or cannot be had; at most after `timeout_s`."""
        self._mailbox.wait_until(self._is_present, timeout_s)

    def _is_present(self) -> bool:
        watch, wanted = self.watch, self.watch.wanted
        return watch.is_caught_up and (self._mailbox.wanted.version == wanted or watch.has_failed(wanted))

    def _hand_over(self, manifest: ModelManifest | None, bundle: ModelBundle | None) -> None:
        """Called by the watch, in its thread; returns when the model is in use, raises what it was refused for."""
        model = WantedModel(0, dict)
        if manifest is not None and bundle is not None:
            model = WantedModel(manifest.version, EncoderLoad(bundle, self._settings.specs, self._settings.runtime))
        self._mailbox.put(model)
        try:
            while not self._mailbox.wait(LOOK_AGAIN_S):
                # What a worker begins with stays there for it: it would begin without any model.
                if self._mailbox.has_begun:
                    self.watch.check_wanted(model.version)
        except PassedOver:
            if not self._mailbox.withdraw(model):
                raise


@dataclass(frozen=True, slots=True, eq=False)
class EncoderLoad:
    """A bundle, and how its encoders are made where they are wanted."""

    bundle: ModelBundle
    specs: Mapping[str, ModalitySpec]
    runtime: RuntimeSettings

    def __call__(self) -> Encoders:
        """The encoders of the modalities that the settings know.

        Raises:
            ValueError: If one does not give finite rows for its modality's windows.
        """
        # Here, so that a worker without a model needs no torch, and where a model is in use only one process has it.
        from encoders.nets import load_encoders

        specs = self.specs
        known = [name for name in self.bundle.weights if name in specs]
        encoders = load_encoders(self.bundle, known, device=self.runtime.device, threads=self.runtime.threads)
        for name, encode in encoders.items():
            rows = encode(np.zeros((1, specs[name].n_steps, specs[name].n_channels), np.float32))
            if rows.ndim != 2 or len(rows) != 1 or not np.isfinite(rows).all():
                raise ValueError(f"the encoder of {name} gives {rows!r} for a window of zeros, wanted one finite row")
        return encoders
