"""Ways of pre-training on incomplete recordings without binding, as MMBind compares itself with them.

Dummies (MIM): what is missing is a window of zeros. Presence (MPM): the same, and a channel that says what is there.
Generated (CMG): what is missing is made from the shared modality by a network that learned to where both are. Each
fills the gaps; then the product's own Learner trains on natural edges with the plain loss, as in all other arms.
Autoencoder: every modality by itself, no edges. Masked (DCM): natural edges, and
edges between two maskings of one window.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np
import torch
from torch import nn

from benchmarks.learning.data import World
from benchmarks.learning.pairs import alone
from benchmarks.learning.score import Weights, weights_of
from encoders.modality import ModalitySpec
from encoders.nets import Encoder, EncoderFunction, encoder_weights
from encoders.scaling import Scaling
from streams.records import Sample
from trainer.controls import replay_bindings
from trainer.settings import TrainerSettings
from trainer.step.augmentation import augment
from trainer.step.loss import edge_losses

Specs: TypeAlias = dict[str, ModalitySpec]

FILLED = ("dummies", "presence", "generated")
WAYS = ("autoencoder", *FILLED, "masked")
# A window is masked in so many stretches of equal length, each with so much probability. Chosen by hand.
STRETCHES, MASKED_SHARE = 10, 0.4


def baseline(world: World, way: str, settings: TrainerSettings, n_steps: int) -> Weights:
    """Encoders of all modalities, trained in one of these ways.

    Args:
        world: Whose `train` it learns from.
        way: One of `WAYS`.
        settings: The trainer's, with all steps in one cycle.
        n_steps: The number of those steps.
    """
    if way == "autoencoder":
        return autoencoders(world, settings, n_steps)
    if way == "masked":
        return masked(world, settings, n_steps)
    samples, specs = filled(world, way, settings, n_steps)
    return pretrained(samples, specs, world.shared, settings)


class Reconstruction(nn.Module):
    """An encoder's features, and from them a whole window of some modality."""

    def __init__(self, spec: ModalitySpec, target: ModalitySpec, settings: TrainerSettings) -> None:
        super().__init__()
        self.encoder = Encoder(spec, settings.dim, settings.width)
        self._shape = (target.n_steps, target.n_channels)
        self.decoder = nn.Linear(settings.dim, target.n_steps * target.n_channels)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Windows `[B, T, C]` of the target."""
        decoded: torch.Tensor = self.decoder(self.encoder(windows))
        return decoded.reshape(len(windows), *self._shape)


def autoencoders(world: World, settings: TrainerSettings, n_steps: int) -> Weights:
    """Encoders of all modalities, each trained to give back its own windows."""
    specs = world.recordings.specs
    samples = list(world.train.values())
    trained = {name: _reconstruction(samples, spec, spec, settings, n_steps) for name, spec in specs.items()}
    return {name: encoder_weights(one.encoder) for name, one in trained.items()}


def shared_embeddings(world: World, samples: Sequence[Sample], settings: TrainerSettings, n_steps: int) -> np.ndarray:
    """Unit rows of the samples' shared windows by an autoencoder of that modality, as MMBind compares them."""
    spec = world.recordings.specs[world.shared]
    network = _reconstruction(list(world.train.values()), spec, spec, settings, n_steps)
    embed = EncoderFunction(spec, encoder_weights(network.encoder))
    return embed(np.stack([one.scaled(world.shared) for one in samples]))


def masked(world: World, settings: TrainerSettings, n_steps: int) -> Weights:
    """Encoders that learn, of windows masked at random, which belong to one sample and which to one window."""
    specs, samples = world.recordings.specs, list(world.train.values())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        encoders = nn.ModuleDict({name: Encoder(spec, settings.dim, settings.width) for name, spec in specs.items()})
    generator = torch.Generator().manual_seed(settings.seed)
    optimiser = torch.optim.AdamW(encoders.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    for _ in range(n_steps):
        rows = torch.randint(0, len(samples), (2 * settings.batch_pairs,), generator=generator).tolist()
        batch = [samples[row] for row in dict.fromkeys(rows)]
        views: dict[str, tuple[list[int], torch.Tensor, torch.Tensor]] = {}
        for name in specs:
            having = [i for i, one in enumerate(batch) if name in one.windows]
            windows = torch.from_numpy(np.stack([batch[i].scaled(name) for i in having]))
            first, second = (
                encoders[name](_masked(augment(windows, settings.augmentation, generator), generator)) for _ in range(2)
            )
            views[name] = having, first, second
        losses = [_matching_loss(first, second, settings.temperature) for _, first, second in views.values()]
        anchors, shared, _ = views[world.shared]
        for name in (world.first, world.second):
            having, first, _ = views[name]
            losses.append(_matching_loss(shared[[anchors.index(i) for i in having]], first, settings.temperature))
        optimiser.zero_grad()
        torch.cat(losses).mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return {name: encoder_weights(encoders[name]) for name in specs}  # type: ignore[arg-type]


def _masked(windows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    n_rows, n_steps, _ = windows.shape
    kept = torch.rand((n_rows, STRETCHES), generator=generator) >= MASKED_SHARE
    stretch = torch.arange(n_steps) * STRETCHES // n_steps
    return windows * kept[:, stretch, None]


def _matching_loss(queries: torch.Tensor, keys: torch.Tensor, temperature: float) -> torch.Tensor:
    """The plain loss of queries that belong to the keys of the same number."""
    n = len(queries)
    one, groups = torch.arange(n), torch.arange(2).repeat_interleave(n)
    rows, related = torch.cat([queries, keys]), torch.eye(n, dtype=torch.bool).repeat(2, 2)
    return edge_losses(rows, groups, 2, one, one + n, related, torch.zeros((2 * n, 2 * n)), temperature)


def filled(world: World, how: str, settings: TrainerSettings, n_steps: int) -> tuple[dict[str, Sample], Specs]:
    """The training samples with nothing missing, and the modalities as they now are.

    Args:
        world: Its `train` lacks a modality everywhere.
        how: One of `FILLED`.
        settings: Of the networks that generate what is missing.
        n_steps: How many steps those are trained for.
    """
    specs, samples = dict(world.recordings.specs), list(world.train.values())
    made = {name: _zeros(spec) for name, spec in specs.items()}
    if how == "generated":
        for name in (world.first, world.second):
            made[name] = _generator(samples, specs[world.shared], specs[name], settings, n_steps)
    complete = {one.sample_id: _completed(one, world.shared, made, how == "presence") for one in samples}
    if how == "presence":
        specs = {name: msgspec.structs.replace(spec, n_channels=spec.n_channels + 1) for name, spec in specs.items()}
    return complete, specs


def pretrained(samples: Mapping[str, Sample], specs: Specs, shared: str, settings: TrainerSettings) -> Weights:
    """Encoders after the product's training on natural edges; `settings` has all steps in one cycle."""
    return weights_of(replay_bindings(alone(samples.values()), samples, specs, shared, settings, "natural"))


def _zeros(spec: ModalitySpec) -> Callable[[np.ndarray], np.ndarray]:
    return lambda shared: np.zeros((spec.n_steps, spec.n_channels), np.float32)


def _completed(
    sample: Sample, shared: str, made: Mapping[str, Callable[[np.ndarray], np.ndarray]], has_presence: bool
) -> Sample:
    """The sample in robust units, what it lacks being made."""
    windows = {
        name: sample.scaled(name) if name in sample.windows else made[name](sample.scaled(shared)) for name in made
    }
    if has_presence:
        windows = {
            name: np.concatenate([one, np.full((len(one), 1), name in sample.windows, np.float32)], axis=1)
            for name, one in windows.items()
        }
    return msgspec.structs.replace(sample, windows=windows, scaling={name: _unit(one) for name, one in windows.items()})


def _unit(window: np.ndarray) -> Scaling:
    n_channels = window.shape[1]
    return Scaling(center=np.zeros(n_channels, np.float32), scale=np.ones(n_channels, np.float32), n_windows=1)


def _generator(
    samples: Sequence[Sample], spec: ModalitySpec, target: ModalitySpec, settings: TrainerSettings, n_steps: int
) -> Callable[[np.ndarray], np.ndarray]:
    both = [one for one in samples if target.name in one.windows]
    network = _reconstruction(both, spec, target, settings, n_steps).eval()

    def generate(shared: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            made: np.ndarray = network(torch.from_numpy(shared)[None])[0].numpy()
        return made

    return generate


def _reconstruction(
    samples: Sequence[Sample], spec: ModalitySpec, target: ModalitySpec, settings: TrainerSettings, n_steps: int
) -> Reconstruction:
    """A network that was trained to give the target's windows from those of `spec`."""
    having = [one for one in samples if spec.name in one.windows]
    given = torch.from_numpy(np.stack([one.scaled(spec.name) for one in having]))
    wanted = torch.from_numpy(np.stack([one.scaled(target.name) for one in having]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = Reconstruction(spec, target, settings)
    generator = torch.Generator().manual_seed(settings.seed)
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    for _ in range(n_steps):
        rows = torch.randint(0, len(having), (2 * settings.batch_pairs,), generator=generator)
        made = network(augment(given[rows], settings.augmentation, generator))
        optimiser.zero_grad()
        nn.functional.mse_loss(made, wanted[rows]).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return network
