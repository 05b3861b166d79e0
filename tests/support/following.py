"""A log and a registry in which versions are published, tried and promoted, as a trainer and a roller do it."""

from pathlib import Path

import msgspec
import numpy as np

from encoders.loaded_model import LoadedModel
from encoders.nets import load_encoders
from streams.models.channels import ChannelView, move_record, version_record
from streams.models.log import MemoryModelLog
from streams.models.registry import Registry
from streams.models.rollout import CANARY
from streams.records import ChannelMove, Rollout
from tests.support.models import bundle


def loaded(version: int) -> LoadedModel:
    """The model of a version of `tests.support.models`."""
    return LoadedModel(bundle(version).manifest, load_encoders(bundle(version)))


def rollout(upto: float = 1.0, *, serves: bool = False, channel: str = "stable") -> Rollout:
    return Rollout(channel=channel, upto=upto, for_s=60, serves=serves)


class Publisher:
    """Writes to a log in memory and to a registry in a folder.

    Args:
        root: The registry's folder.
    """

    def __init__(self, root: Path) -> None:
        self.log, self.root = MemoryModelLog(), root
        self.view = ChannelView()
        self._offset = 0

    def publish(self, version: int) -> None:
        """The version's files lie there and are announced."""
        self._say(*version_record(Registry(str(self.root)).publish(bundle(version))))

    def move(self, channel: str, version: int) -> None:
        """Points a channel at a version."""
        self._say(*move_record(self.view, channel, version, "because", "test", 1))

    def put_on_trial(self, version: int, how: Rollout | None = None) -> None:
        """For all followers of `stable`, beside what they serve, if nothing else is said; 0 ends it."""
        key, value = move_record(self.view, CANARY, version, "because", "test", 1)
        move = msgspec.json.decode(value, type=ChannelMove)
        if version:
            value = msgspec.json.encode(msgspec.structs.replace(move, rollout=how or rollout()))
        self._say(key, value)

    def file(self, version: int, modality: str = "gyroscope") -> Path:
        """A version's file."""
        return self.root / f"v{version}" / f"{modality}.safetensors"

    def _say(self, key: bytes, value: bytes) -> None:
        refusal = self.view.apply(key, value, self._offset)
        assert refusal is None, refusal
        self._offset += 1
        self.log.append(key, value)


def unlike_windows(n: int, seed: int) -> dict[str, np.ndarray]:
    """Other ones for each seed."""
    rng = np.random.default_rng(seed)
    return {
        spec.name: rng.normal(size=(n, spec.n_steps, spec.n_channels)).astype(np.float32)
        for spec in bundle(1).manifest.modalities
    }
