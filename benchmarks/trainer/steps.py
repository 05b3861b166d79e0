"""What one training step costs: next to a bare one, and with many modalities next to few. Touches no network."""

import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice

import numpy as np
import torch
from torch import nn

from encoders.modality import ModalitySpec
from encoders.nets import Encoder
from streams.records import Binding, Partner, Sample
from streams.testing import SyntheticWorld
from trainer.replay.buffer import ReplayBuffer
from trainer.replay.partners import bound_partner
from trainer.settings import TrainerSettings
from trainer.step.edges import EdgeBatch, edges_of, item_graph
from trainer.step.loss import edge_losses, shares_of
from trainer.step.step import TrainStep

# Windows of the demo: 5 s of three axes.
N_STEPS, RATE_HZ = 250, 50.0
N_SOURCES, N_SLOTS, N_PARTNERS = 60, 20, 8
WARM_UP = 3
# A cycle has a hundred.
STEPS_AT_A_TIME = 20


class TwoWindowsEach(SyntheticWorld):
    """Every node has the shared modality and one other: a batch has as many windows, however many modalities."""

    def modalities_of(self, source: int) -> tuple[str, ...]:
        """What a node measures."""
        others = [name for name in self.specs if name != self.shared]
        return (self.shared, others[source % len(others)])


def demo_specs(n_modalities: int) -> list[ModalitySpec]:
    """So many modalities whose windows are as long as the demo's."""
    return [
        ModalitySpec(name=f"sensor-{number:02d}", n_channels=3, n_steps=N_STEPS, rate_hz=RATE_HZ)
        for number in range(n_modalities)
    ]


class Product:
    """A filled replay buffer, and a step on what it gives."""

    def __init__(self, n_modalities: int, settings: TrainerSettings) -> None:
        self.world, self.settings = TwoWindowsEach(N_SOURCES, specs=demo_specs(n_modalities)), settings
        self._buffer = ReplayBuffer(settings, bound_partner(self.world.shared))
        self._step = TrainStep(self.world.specs, self.world.shared, settings, seed=0)
        samples = list(self.world.samples(N_SLOTS))
        for binding, sample in zip(bindings_of(samples), samples, strict=True):
            self._buffer.admit(binding, sample)

    def draw(self) -> EdgeBatch:
        """A batch."""
        return self._buffer.draw(self.settings.batch_pairs)

    def run(self, n_steps: int = STEPS_AT_A_TIME) -> None:
        """All that so many steps of one cycle are."""
        for _ in self._step.steps(self.draw, n_steps):
            pass


class Bare:
    """The same encoders, batch, loss and optimiser on tensors that lie there ready: nothing drawn, nothing varied."""

    def __init__(self, product: Product) -> None:
        settings, self._shared = product.settings, product.world.shared
        self._encoders = nn.ModuleDict(
            {name: Encoder(spec, settings.dim, settings.width) for name, spec in product.world.specs.items()}
        )
        self._optimiser = torch.optim.AdamW(self._encoders.parameters(), lr=settings.learning_rate, fused=True)
        self._temperature = settings.temperature

    def step_on(self, batch: EdgeBatch) -> Callable[[], None]:
        """A step on this batch, ready to be timed."""
        graph = item_graph(batch)
        edges = edges_of(graph, self._shared)
        windows = {
            name: torch.from_numpy(np.stack([graph.items[row].scaled(name) for row in graph.rows_of(name)]))
            for name in edges.modalities
        }
        modality, query, key = (torch.from_numpy(one) for one in (edges.modality, edges.query, edges.key))
        related = torch.from_numpy(graph.related[np.ix_(edges.item, edges.item)])
        log_weights, shares = torch.zeros(related.shape), torch.from_numpy(shares_of(edges.weights))

        def step() -> None:
            rows = torch.cat([self._encoders[name](own) for name, own in windows.items()])
            losses = edge_losses(
                rows, modality, len(windows), query, key, related, log_weights, temperature=self._temperature
            )
            self._optimiser.zero_grad(set_to_none=True)
            (losses * shares).sum().backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()

        return step


def bindings_of(samples: Sequence[Sample], rounds: int = 0) -> list[Binding]:
    """A Binding of that round for each sample, with random partners."""
    rng = np.random.default_rng(rounds)
    chosen = rng.integers(len(samples), size=(len(samples), N_PARTNERS)).tolist()
    return [
        Binding(
            sample_id=sample.sample_id,
            round=rounds,
            model_version=0,
            outcome="bound",
            partners=tuple(
                Partner(sample_id=samples[to].sample_id, similarity=0.5, probability=1 / N_PARTNERS) for to in own
            ),
        )
        for sample, own in zip(samples, chosen, strict=True)
    ]


def step_over_bare(rounds: int, threads: int) -> dict[str, float]:
    """Milliseconds of both, medians, and how many times as fast as the bare one a step is, the median of all rounds."""
    torch.set_num_threads(threads)
    product = Product(3, TrainerSettings())
    bare = Bare(product)
    took = []
    for _ in range(WARM_UP + rounds):
        bare_step = bare.step_on(product.draw())
        took.append((seconds(product.run), seconds(lambda: [bare_step() for _ in range(STEPS_AT_A_TIME)])))  # noqa: B023
    step_s, bare_s = np.array(took[WARM_UP:]).T / STEPS_AT_A_TIME
    return {
        "step_ms": float(np.median(step_s)) * 1000,
        "bare_ms": float(np.median(bare_s)) * 1000,
        "step_over_bare": float(np.median(bare_s / step_s)),
    }


def cost_of_many(rounds: int, few: int = 3, many: int = 30) -> dict[str, float]:
    """Milliseconds of a step with few and with many modalities, and how many times as much the latter costs."""
    torch.set_num_threads(1)
    arms = [Product(few, TrainerSettings()), Product(many, TrainerSettings())]
    took = np.array([[seconds(arm.run) for arm in arms] for _ in range(WARM_UP + rounds)][WARM_UP:])
    few_s, many_s = np.median(took, axis=0).tolist()
    ratio = float(np.median(took[:, 1] / took[:, 0]))
    return {f"step_{few}_ms": few_s * 1000, f"step_{many}_ms": many_s * 1000, "ratio": ratio}


def replay_memory(limit_bytes: int) -> dict[str, int]:
    """The most bytes of windows that a buffer held while four times as many came as it may hold."""
    settings = TrainerSettings(replay_bytes=limit_bytes)
    world = TwoWindowsEach(
        N_SOURCES, specs=[ModalitySpec(name=name, n_channels=3, n_steps=N_STEPS, rate_hz=RATE_HZ) for name in "ab"]
    )
    buffer = ReplayBuffer(settings, bound_partner(world.shared))
    samples = list(world.samples(2))
    a_sample = sum(values.nbytes for values in samples[0].windows.values())
    most = 0
    for number, sample in enumerate(islice(cycle(samples), 4 * limit_bytes // a_sample)):
        binding = Binding(sample_id=f"{sample.sample_id}-{number}", round=0, model_version=0, outcome="alone")
        buffer.admit(binding, sample)
        most = max(most, buffer.n_bytes)
    return {"limit_bytes": limit_bytes, "most_bytes": most, "samples": len(buffer)}


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s
