"""The product's settings as they come, for the modalities of recordings."""

from collections.abc import Iterable
from typing import Any

from deploy.recordings.recordings import Recordings
from deploy.replay.plan import described
from deploy.settings.config import Settings
from streams.settings import StreamSettings


def stream_settings(recordings: Recordings, **sections: Any) -> StreamSettings:
    """Without a trainer, all defaults but for the sections that are given; reads no environment."""
    return StreamSettings.model_validate({**_modalities(recordings), **sections})


def loop_settings(recordings: Recordings, held_out: Iterable[str], seed: int) -> Settings:
    """For the whole loop, with grace for two hops and the trainer's seed."""
    hop_s = recordings.hop_s
    ingest = {"hop_s": hop_s, "grace_s": 2 * hop_s, "held_out_sources": tuple(held_out)}
    settings = Settings.model_validate({**_modalities(recordings), "ingest": ingest})
    return settings.model_copy(update={"trainer": settings.trainer.model_copy(update={"seed": seed})})


def _modalities(recordings: Recordings) -> dict[str, Any]:
    modalities = {name: described(spec) for name, spec in recordings.specs.items()}
    return {"modalities": modalities, "shared_modality": recordings.shared}
