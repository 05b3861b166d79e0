"""What to replay, and with which settings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.recordings.recordings import Recordings
from deploy.settings.config import Settings, find_file, load, value_of
from streams.labels import LABEL
from trainer.controls import spread_steps


@dataclass(frozen=True, slots=True, eq=False)
class ReplayPlan:
    """What to replay and how; None leaves a value to the settings."""

    recordings: Recordings
    config: Path | None = None
    seed: int | None = None
    train_steps: int | None = None
    shared: str | None = None

    @property
    def choice(self) -> tuple[str, str]:
        """What binds, and why it does: it was given, the settings say so, or most sources have it.

        Raises:
            ConfigError: If the settings file cannot be read.
        """
        most = self.recordings.shared
        if self.shared is not None:
            return self.shared, "it was asked for"
        told = value_of("shared_modality", self.config)
        if told is None:
            return most, "most sources have it"
        if told in self._there:
            return told, "the settings' shared_modality"
        return most, f"most sources have it, and no window has {told}, the settings' shared_modality"

    @property
    def _there(self) -> set[str]:
        seen = self.recordings.visible
        return {one.modality for one in seen} | ({LABEL} if any(one.label is not None for one in seen) else set())

    def settings(self) -> Settings:
        """The settings file's, if there is one; else modalities and hop are those of the recordings.

        Raises:
            ConfigError: If they do not fit.
        """
        recordings = self.recordings
        fixed: dict[str, Any] = {"shared_modality": self.choice[0]}
        if find_file(self.config) is None:
            fixed["modalities"] = {name: described(spec) for name, spec in recordings.specs.items()}
            fixed["ingest"] = {"hop_s": recordings.hop_s, "grace_s": 2 * recordings.hop_s}
        settings = load(self.config, **fixed)
        held_out = recordings.held_out | set(settings.ingest.held_out_sources)
        ingest = settings.ingest.model_copy(update={"held_out_sources": tuple(sorted(held_out))})
        trainer = settings.trainer
        if self.seed is not None:
            trainer = trainer.model_copy(update={"seed": self.seed})
        if self.train_steps is not None:
            trainer = spread_steps(trainer, self._n_training_samples(settings.ingest.hop_s), self.train_steps)
        return settings.model_copy(update={"ingest": ingest, "trainer": trainer})

    def _n_training_samples(self, hop_s: float) -> int:
        kept = (one for one in self.recordings.visible if one.source_id not in self.recordings.held_out)
        return len({(one.source_id, one.start_ns // round(hop_s * 1e9)) for one in kept})


def described(spec: Any) -> dict[str, Any]:
    """A modality as the settings describe it."""
    return {name: getattr(spec, name) for name in ("n_channels", "n_steps", "rate_hz", "unit", "channels")}
