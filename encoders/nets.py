"""Encoders: from scaled windows to unit embeddings. The only place outside the trainer that knows torch."""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from encoders.blocks import safe_sizes
from encoders.bundle import ModelBundle
from encoders.modality import ModalitySpec

# A row's last bits may depend on how many rows are embedded at once: always this many. Chosen by hand, as all here.
BLOCK_ROWS = 64
# Steps that are left after the first layer, whatever the window's length: they decide the cost of all the rest.
STEM_STEPS = 64
# Robust units beyond which a value says only that it is extreme.
CLIP = 8.0
# Of the group norms.
GROUPS = 8


class Encoder(nn.Module):
    """Unit embeddings `[B, dim]` of windows `[B, T, C]` in robust units, by strided convolutions over time.

    Group norms only: a row of the result depends on its own window and on no other.
    """

    def __init__(self, spec: ModalitySpec, dim: int, width: int) -> None:
        super().__init__()
        stride = max(1, round(spec.n_steps / STEM_STEPS))
        n_steps = -(-spec.n_steps // stride)
        self.stem = nn.Conv1d(spec.n_channels, width, 2 * stride + 1, stride, padding=stride)
        # Of a window of one step a group would hold a few values, or one, of which nothing is left.
        groups = GROUPS if n_steps > 1 else 1
        blocks: list[nn.Module] = []
        for n_inputs in (width, 2 * width):
            step = 2 if n_steps >= 16 else 1
            n_steps = -(-n_steps // step)
            blocks += [
                nn.GroupNorm(groups, n_inputs),
                nn.GELU(),
                nn.Conv1d(n_inputs, 2 * width, 5, step, padding=2),
            ]
        self.blocks = nn.Sequential(*blocks, nn.GroupNorm(groups, 2 * width), nn.GELU())
        self.head = nn.Sequential(nn.Linear(4 * width, 2 * width), nn.GELU(), nn.Linear(2 * width, dim))

    def forward(self, windows: Float[Tensor, "batch steps channels"]) -> Float[Tensor, "batch dim"]:
        """Unit embeddings of windows in robust units."""
        return self.project(self.hidden(windows))

    def pooled(self, windows: Float[Tensor, "batch steps channels"]) -> Float[Tensor, "batch pooled"]:
        """Mean and maximum over time of each map below the head: what the head need not keep to align modalities."""
        maps = self.blocks(self.stem(windows.clamp(-CLIP, CLIP).transpose(1, 2)))
        return torch.cat([maps.mean(2), maps.amax(2)], 1)

    def hidden(self, windows: Float[Tensor, "batch steps channels"]) -> Float[Tensor, "batch hidden"]:
        """The features before the last layer, of which training may leave some out."""
        return self.hidden_of(self.pooled(windows))

    def hidden_of(self, pooled: Float[Tensor, "batch pooled"]) -> Float[Tensor, "batch hidden"]:
        """The same of what `pooled` gave."""
        features: Tensor = self.head[:-1](pooled)
        return features

    @property
    def n_features(self) -> int:
        """How many `hidden` gives."""
        return 2 * self.stem.out_channels

    def project(self, hidden: Float[Tensor, "batch hidden"]) -> Float[Tensor, "batch dim"]:
        """Unit embeddings of what `hidden` gave: the last layer alone."""
        return nn.functional.normalize(self.head[-1](hidden), dim=1)


# Safe sizes of blocks, by full size, steps, channels, dim and width: to try them takes as long as 200 windows.
_SIZES: dict[tuple[int, int, int, int, int], tuple[int, ...]] = {}


class EncoderFunction:
    """Numpy in, numpy out: unit embeddings `[N, dim]` float32 of windows `[N, T, C]` in robust units, or pooled maps.

    Runs blocks of the same number of rows, the last one padded with zeros, or of few smaller numbers that turned out to
    give the same bits: a row's do not depend on how many others it came with.

    Raises:
        ValueError: If the weights are not those of an encoder of `spec`.
    """

    def __init__(
        self, spec: ModalitySpec, weights: Mapping[str, np.ndarray], block_rows: int = BLOCK_ROWS, device: str = "cpu"
    ) -> None:
        self.spec, self._block_rows, self._device = spec, block_rows, torch.device(device)
        self._encoder = build_encoder(spec, weights).to(self._device).eval()
        self.dim = int(weights["head.2.bias"].shape[0])
        self.n_pooled = int(weights["head.0.weight"].shape[1])
        self._width = int(weights["stem.bias"].shape[0])

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        """One unit row for each window.

        Raises:
            ValueError: If the windows are not `[N, n_steps, n_channels]` of the modality.
        """
        return self._rows(windows, slice(self.n_pooled, self.n_pooled + self.dim))

    def pooled(self, windows: np.ndarray) -> np.ndarray:
        """The pooled maps `[N, n_pooled]` below the head, see `Encoder.pooled`; raises as a call does."""
        return self._rows(windows, slice(self.n_pooled))

    def _rows(self, windows: np.ndarray, columns: slice) -> np.ndarray:
        wanted = (self.spec.n_steps, self.spec.n_channels)
        if windows.ndim != 3 or windows.shape[1:] != wanted:
            raise ValueError(f"windows of {self.spec.name!r} have shape {windows.shape}, wanted (N, *{wanted})")
        rows = np.empty((len(windows), len(range(self.n_pooled + self.dim)[columns])), np.float32)
        for start in range(0, len(windows), self._block_rows):
            part = windows[start : start + self._block_rows]
            block = np.zeros((next(size for size in self._sizes if size >= len(part)), *wanted), np.float32)
            block[: len(part)] = part
            rows[start : start + len(part)] = self._worked(block)[: len(part), columns]
        return rows

    @property
    def _sizes(self) -> tuple[int, ...]:
        """Of blocks in which a row gets the same bits; on another device than the processor only the full one."""
        full = self._block_rows
        if self._device.type != "cpu":
            return (full,)
        shape = full, self.spec.n_steps, self.spec.n_channels
        if (known := _SIZES.get((*shape, self.dim, self._width))) is None:
            windows = np.random.default_rng(0).normal(size=shape).astype(np.float32)
            known = _SIZES[*shape, self.dim, self._width] = safe_sizes(self._worked, windows)
        return known

    def _worked(self, block: np.ndarray) -> np.ndarray:
        """Pooled maps and embeddings side by side: both cost no more than the latter."""
        with torch.inference_mode():
            pooled = self._encoder.pooled(torch.from_numpy(block).to(self._device))
            embedded = self._encoder.project(self._encoder.hidden_of(pooled))
            rows: np.ndarray = torch.cat([pooled, embedded], 1).cpu().numpy()
        return rows


def build_encoder(spec: ModalitySpec, weights: Mapping[str, np.ndarray]) -> Encoder:
    """The encoder of a modality with these weights; its width and dim are read from them.

    Raises:
        ValueError: If the weights are not those of an encoder of `spec`.
    """
    try:
        encoder = Encoder(spec, dim=weights["head.2.bias"].shape[0], width=weights["stem.bias"].shape[0])
        encoder.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights.items()})
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"these are not the weights of an encoder of {spec.name!r}: {error}") from error
    return encoder


def encoder_weights(encoder: Encoder) -> dict[str, np.ndarray]:
    """Copies of the encoder's arrays by name."""
    return {name: value.detach().cpu().numpy().copy() for name, value in encoder.state_dict().items()}


def load_encoders(
    bundle: ModelBundle, modalities: Iterable[str] | None = None, device: str = "cpu", threads: int | None = None
) -> dict[str, EncoderFunction]:
    """The encoders of a bundle by modality, all that it has or those named.

    Args:
        bundle: Verified when it was loaded.
        modalities: Which to build.
        device: Torch's name of it.
        threads: How many torch may use, in the whole process; without it nothing is changed.

    Raises:
        ValueError: If the bundle lacks a modality, or its weights do not fit.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    specs = {spec.name: spec for spec in bundle.manifest.modalities}
    wanted = sorted(bundle.weights if modalities is None else modalities)
    if missing := [name for name in wanted if name not in bundle.weights or name not in specs]:
        raise ValueError(f"version {bundle.manifest.version} has no encoder of {missing}")
    return {name: EncoderFunction(specs[name], bundle.weights[name], device=device) for name in wanted}
