"""What rank 0 and the others say to each other: numbers and arrays, never pickles."""

import enum
from collections.abc import Mapping

import msgspec
import numpy as np
import torch
import torch.distributed as dist

from encoders.errors import MmbindError
from encoders.modality import ModalitySpec
from trainer.settings import TrainerSettings
from trainer.step.packed import PackedBatch
from trainer.step.ranks import RankFound, RankTask


class RankLost(MmbindError):  # noqa: N818 - it says what is so
    """Another process of the training is gone, or does not answer; begin again from the last checkpoint."""


class Kind(enum.IntEnum):
    """Of a message from rank 0."""

    BEGIN, WEIGHTS, TASK, END = range(4)


class Setup(msgspec.Struct, frozen=True):
    """All that another rank must know before its first task; `settings` is the trainer's, as JSON."""

    modalities: tuple[ModalitySpec, ...]
    shared: str
    settings: str
    device: str

    @classmethod
    def of(cls, specs: Mapping[str, ModalitySpec], shared: str, settings: TrainerSettings, device: str) -> "Setup":
        """As rank 0 has it."""
        return cls(tuple(specs.values()), shared, settings.model_dump_json(), device)

    def encoded(self) -> bytes:
        """As bytes."""
        return msgspec.json.encode(self)

    @classmethod
    def decoded(cls, payload: bytes) -> "Setup":
        """The one that was encoded."""
        return msgspec.json.decode(payload, type=cls)

    @property
    def trainer_settings(self) -> TrainerSettings:
        """The trainer's."""
        return TrainerSettings.model_validate_json(self.settings)

    @property
    def specs(self) -> dict[str, ModalitySpec]:
        """By name, in order."""
        return {one.name: one for one in self.modalities}


def send(kind: Kind, payload: bytes, rank: int) -> None:
    """One message to that rank; waits until it is taken."""
    dist.send(torch.tensor([kind, len(payload)]), rank)
    if payload:
        dist.send(torch.frombuffer(bytearray(payload), dtype=torch.uint8), rank)


def receive() -> tuple[Kind, bytes]:
    """The next message of rank 0, however long it takes."""
    head = torch.zeros(2, dtype=torch.int64)
    dist.recv(head, 0)
    kind, n_bytes = head.tolist()
    payload = torch.empty(n_bytes, dtype=torch.uint8)
    if n_bytes:
        dist.recv(payload, 0)
    return Kind(kind), payload.numpy().tobytes()


def encoded_task(task: RankTask) -> bytes:
    """The task as bytes."""
    arrays = {
        name: (values.dtype.str, values.shape, np.ascontiguousarray(values).data.cast("B") if values.size else b"")
        for name, values in task.batch.arrays().items()
    }
    return msgspec.msgpack.encode((task.quantile, task.seed, arrays))


def decoded_task(payload: bytes) -> RankTask:
    """The task that was encoded."""
    wanted = tuple[float | None, int, dict[str, tuple[str, tuple[int, ...], bytes]]]
    quantile, seed, raw = msgspec.msgpack.decode(payload, type=wanted)
    arrays = {
        name: np.frombuffer(bytearray(data), np.dtype(kind)).reshape(shape) for name, (kind, shape, data) in raw.items()
    }
    return RankTask(PackedBatch.from_arrays(arrays), quantile, seed)


def found_numbers(found: RankFound, modalities: tuple[str, ...]) -> torch.Tensor:
    """What a rank found as float64 numbers, of which there are 3 and one for each modality."""
    took_part = [float(name in found.modalities) for name in modalities]
    numbers = [found.loss, float(found.n_natural_edges), float(found.n_pseudo_edges), *took_part]
    return torch.tensor(numbers, dtype=torch.float64)


def numbers_found(numbers: torch.Tensor, modalities: tuple[str, ...]) -> RankFound:
    """The same back."""
    loss, n_natural, n_pseudo, *took_part = numbers.tolist()
    names = tuple(name for name, took in zip(modalities, took_part, strict=True) if took)
    return RankFound(loss, int(n_natural), int(n_pseudo), names)
