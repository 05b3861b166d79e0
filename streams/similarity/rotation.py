"""Windows of three axes, whichever way their sensor is rotated. Pure functions, the same for a row in any company."""

import numpy as np
from jaxtyping import Complex, Float, Float32, Int

# Of a sensor that can be rotated: there is one rotation in space for all its channels.
AXES = 3


def in_principal_axes(block: Float[np.ndarray, "n 3 t"]) -> Float32[np.ndarray, "n 3 t"]:
    """Windows `[N, 3, T]` seen along the principal axes of their own motion, the largest first.

    Two axes point to where the motion is skewed, the third so that no window is mirrored. Any rotation of the sensor
    gives the same, but for windows that move about equally along two axes or about equally to both sides.
    """
    # In double precision the largest float32 values have finite squares, which the decomposition cannot do without.
    moving = block.astype(np.float64)
    moving -= moving.mean(axis=2, keepdims=True)
    axes = np.linalg.eigh(np.matmul(moving, moving.transpose(0, 2, 1)))[1][:, :, ::-1].transpose(0, 2, 1)
    along = np.matmul(axes, moving)
    skewed = (along * along * along).sum(axis=2)
    signs = np.where(skewed < 0, -1.0, 1.0)
    signs[:, 2] = signs[:, 0] * signs[:, 1] * np.sign(np.linalg.det(axes))
    rotated: np.ndarray = np.matmul(axes * signs[:, :, None], block).astype(np.float32)
    return rotated


def upright_power(
    block: Float[np.ndarray, "n 3 t"], spectrum: Complex[np.ndarray, "n 3 f"], bands: Int[np.ndarray, " bands"]
) -> Float[np.ndarray, "n 2 bands"]:
    """Power `[N, 2, bands]` along and across what a window points to all the time: gravity, for an accelerometer.

    Args:
        block: `[N, 3, T]`.
        spectrum: Its spectrum `[N, 3, F]` without the mean.
        bands: Their first bins.
    """
    mean = block.mean(axis=2)
    length = np.sqrt(np.square(mean).sum(axis=1, keepdims=True))
    up = mean / np.maximum(length, np.finfo(np.float32).tiny)
    along = (spectrum * up[:, :, None]).sum(axis=1)
    upright = along.real**2 + along.imag**2
    whole = (spectrum.real**2 + spectrum.imag**2).sum(axis=1)
    both = np.stack([upright, np.maximum(whole - upright, 0)], axis=1)
    power: np.ndarray = np.add.reduceat(both, bands, axis=2)
    return power


def uprightness(block: Float[np.ndarray, "n 3 t"]) -> Float[np.ndarray, "n 1"]:
    """For each window `[N, 3, T]` which share `[N, 1]` of it, squared, stands still: next to 0 without gravity."""
    mean = np.square(block.mean(axis=2)).sum(axis=1, keepdims=True)
    whole = np.square(block).mean(axis=2).sum(axis=1, keepdims=True)
    share: np.ndarray = mean / np.maximum(whole, np.finfo(np.float32).tiny)
    return share
