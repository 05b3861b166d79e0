"""Encoders that have learned nothing, by seed. Performs no I/O."""

import zlib
from collections.abc import Mapping

import torch
from torch import nn

from encoders.modality import ModalitySpec
from encoders.nets import Encoder
from trainer.settings import TrainerSettings

# Torch's generator reads the lower 32 bits of a seed: a training's seed is spread over them (Knuth, TAOCP 3, 6.4).
SPREAD = 0x9E3779B1


def fresh_encoders(
    specs: Mapping[str, ModalitySpec], settings: TrainerSettings, seed: int, device: torch.device
) -> nn.ModuleDict:
    """Encoders of these modalities, in this order, that have learned nothing."""
    return nn.ModuleDict({name: _fresh(spec, settings, seed).to(device) for name, spec in specs.items()})


def _fresh(spec: ModalitySpec, settings: TrainerSettings, seed: int) -> Encoder:
    # The name is in the seed, so that a modality more leaves the first weights of the others as they were.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed((seed * SPREAD + zlib.crc32(spec.name.encode())) % 2**32)
        return Encoder(spec, settings.dim, settings.width)
