"""Random variations of scaled windows and of features. Performs no I/O; its randomness is an argument."""

import torch
from jaxtyping import Float
from torch import Tensor

from trainer.settings import AugmentationSettings


def augment(
    windows: Float[Tensor, "batch steps channels"], settings: AugmentationSettings, generator: torch.Generator
) -> Float[Tensor, "batch steps channels"]:
    """Each window shifted in time, blanked over a stretch, multiplied by a factor and with noise added.

    The number of random draws depends on the shape and the settings only. The generator lives on the CPU, so that
    the variations are the same on every device.
    """
    n_rows, n_steps, _ = windows.shape
    steps = torch.arange(n_steps)
    if furthest := round(settings.shift_share * n_steps):
        offsets = torch.randint(-furthest, furthest + 1, (n_rows, 1), generator=generator)
        # Steps beyond an end repeat the last one: zeros would be a movement that nobody made.
        shifted = (steps + offsets).clamp(0, n_steps - 1)[:, :, None]
        windows = torch.take_along_dim(windows, shifted.to(windows.device), 1)
    if longest := round(settings.drop_share * n_steps):
        lengths = torch.randint(0, longest + 1, (n_rows, 1), generator=generator)
        starts = torch.randint(0, n_steps, (n_rows, 1), generator=generator)
        blank = (steps >= starts) & (steps < starts + lengths)
        windows = windows.masked_fill(blank[:, :, None].to(windows.device), 0.0)
    if settings.gain_sd:
        gains = 1 + settings.gain_sd * torch.randn((n_rows, 1, 1), generator=generator)
        windows = windows * gains.to(windows.device)
    if settings.noise_sd:
        noise = settings.noise_sd * torch.randn(windows.shape, generator=generator)
        windows = windows + noise.to(windows.device)
    return windows


def drop_features(
    hidden: Float[Tensor, "batch hidden"], share: float, generator: torch.Generator
) -> Float[Tensor, "batch hidden"]:
    """Each feature of each row left out with probability `share`, the others enlarged to make up for it (dropout)."""
    if not share:
        return hidden
    kept = torch.rand(hidden.shape, generator=generator) >= share
    return hidden * kept.to(hidden.device) / (1 - share)
