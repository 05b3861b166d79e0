"""Random variations of scaled windows and of features. Performs no I/O; its randomness is an argument."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from trainer.settings import AugmentationSettings


def augment(
    windows: Float[Tensor, "batch steps channels"], settings: AugmentationSettings, generator: torch.Generator
) -> Float[Tensor, "batch steps channels"]:
    """Each window shifted in time, blanked over a stretch, multiplied by a factor and with noise added.

    The number of random draws depends on the shape and the settings only. Windows and generator live on the CPU, so
    that the variations are the same on every device.
    """
    n_rows, n_steps, n_channels = windows.shape
    steps = torch.arange(n_steps)
    if furthest := round(settings.shift_share * n_steps):
        offsets = torch.randint(-furthest, furthest + 1, (n_rows, 1), generator=generator)
        # Steps beyond an end repeat the last one: zeros would be a movement that nobody made.
        shifted = (steps + offsets).clamp(0, n_steps - 1) + n_steps * torch.arange(n_rows)[:, None]
        # Rows of channels, moved one by one: far faster than values.
        windows = windows.reshape(-1, n_channels).index_select(0, shifted.flatten()).view(windows.shape)
    if longest := round(settings.drop_share * n_steps):
        lengths = torch.randint(0, longest + 1, (n_rows, 1), generator=generator)
        starts = torch.randint(0, n_steps, (n_rows, 1), generator=generator)
        blank = (steps >= starts) & (steps < starts + lengths)
        windows = windows.masked_fill(blank[:, :, None], 0.0)
    if settings.gain_sd:
        windows = windows * (1 + settings.gain_sd * torch.randn((n_rows, 1, 1), generator=generator))
    if settings.noise_sd:
        windows = windows + torch.randn(windows.shape, generator=generator).mul_(settings.noise_sd)
    return windows


def kept_features(
    n_rows: int, n_features: int, share: float, generator: torch.Generator
) -> Bool[Tensor, "{n_rows} {n_features}"]:
    """Which features of each row stay: each is left out with probability `share`, without a draw where that is 0."""
    if not share:
        return torch.ones((n_rows, n_features), dtype=torch.bool)
    return torch.rand((n_rows, n_features), generator=generator) >= share


def drop_features(
    hidden: Float[Tensor, "batch hidden"], kept: Bool[Tensor, "batch hidden"], share: float
) -> Float[Tensor, "batch hidden"]:
    """Those that are not kept at 0, the others enlarged to make up for the share that was left out (dropout)."""
    return hidden * kept / (1 - share) if share else hidden
