"""What all processes and arms work on and with: the same real windows, the same encoder, the same index."""

import sys

import hnswlib
import numpy as np
import torch
from scipy.signal import butter, filtfilt

from deploy.recordings.recordings import NS_PER_S
from deploy.recordings.watch import GRAVITY_CUTOFF_HZ, N_STEPS, RATE_HZ, SHARED, START_NS, read_watch_file
from encoders.modality import ModalitySpec
from encoders.nets import Encoder
from streams.records import SensorWindow
from streams.service.lifecycle import SWITCH_S
from streams.settings import IndexSettings
from trainer.settings import TrainerSettings


def spec_of(n_steps: int) -> ModalitySpec:
    """Linear acceleration in windows of so many steps."""
    return ModalitySpec(name=SHARED, n_channels=3, n_steps=n_steps, rate_hz=RATE_HZ, unit="g")


SPEC = spec_of(N_STEPS)
# From one window to the next, 0.16 s: so close that the recordings give many thousand windows.
HOP_STEPS = 8
# Neighbours that the naive job wants of each window.
NEAREST = 10


def as_a_worker_does() -> None:
    """One thread for torch, and threads that take turns as often as a worker's."""
    torch.set_num_threads(1)
    sys.setswitchinterval(SWITCH_S)


def overlapping_windows(n_steps: int = N_STEPS, hop_steps: int = HOP_STEPS) -> list[SensorWindow]:
    """All windows of linear acceleration, every node playing its recordings, in order of time.

    They begin every `hop_steps` in the recording, and are told to begin every HOP_STEPS, so that none overlap in slots.
    """
    raw = read_watch_file()
    low_pass = butter(2, GRAVITY_CUTOFF_HZ, fs=RATE_HZ)
    windows: list[SensorWindow] = []
    played: dict[str, int] = {}
    for signal, person, side in zip(raw["X"], raw["subject"], raw["side"], strict=True):
        source = f"person-{int(person):02d}-{'right' if side else 'left'}"
        moving = (signal[:, :3] - filtfilt(*low_pass, signal[:, :3], axis=0)).astype(np.float32)
        for first in range(0, len(moving) - n_steps + 1, hop_steps):
            slot = played[source] = played.get(source, 0) + 1
            values = np.ascontiguousarray(moving[first : first + n_steps])
            start_ns = START_NS + slot * HOP_STEPS * NS_PER_S // RATE_HZ
            windows.append(SensorWindow(source_id=source, modality=SHARED, start_ns=start_ns, values=values))
    return sorted(windows, key=lambda one: (one.start_ns, one.source_id))


def first_encoder(spec: ModalitySpec, seed: int = 0) -> Encoder:
    """An encoder of the product's size with random weights of that seed: in every process the same."""
    torch.manual_seed(seed)
    trainer = TrainerSettings()
    return Encoder(spec, trainer.dim, trainer.width).eval()


def plain_index(capacity: int, index: IndexSettings, dim: int = TrainerSettings().dim) -> hnswlib.Index:
    """One HNSW index with the product's parameters, as one would make it without the product."""
    plain = hnswlib.Index(space="ip", dim=dim)
    plain.init_index(capacity, M=index.M, ef_construction=index.ef_construction, random_seed=1)
    plain.set_ef(index.ef)
    return plain
