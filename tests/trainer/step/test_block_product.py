"""The loss of a step, from one product for all pairs of modalities, against the formula pair by pair."""

from itertools import combinations

import numpy as np
import pytest
import torch

from encoders.modality import ModalitySpec
from encoders.nets import build_encoder
from encoders.scaling import Scaling
from streams.records import Sample
from trainer.settings import AugmentationSettings, SofteningSettings, TrainerSettings
from trainer.step.edges import EdgeBatch, ItemGraph, item_graph
from trainer.step.softening import Softening
from trainer.step.step import TrainStep

NAMES = ("acc", "depth", "gyro", "heart", "light")
SPECS = {name: ModalitySpec(name=name, n_channels=2, n_steps=40, rate_hz=20) for name in NAMES}
STILL = AugmentationSettings(shift_share=0, gain_sd=0, noise_sd=0, drop_share=0, dropout=0)
SETTINGS = TrainerSettings(
    dim=16, width=8, augmentation=STILL, softening=SofteningSettings(quantile=0.8, width=0.1), average=0
)


def sample(number: int, rng: np.random.Generator) -> Sample:
    """A sample that has the shared modality mostly, and one to three others."""
    others = rng.choice(NAMES[1:], size=int(rng.integers(1, 4)), replace=False).tolist()
    modalities = ["acc", *others] if rng.random() < 0.8 else [*others]
    windows = {one: (3 * rng.standard_normal((40, 2)) + 1).astype(np.float32) for one in modalities}
    scaling = Scaling(center=np.full(2, 1, np.float32), scale=np.array([3, 2], np.float32), n_windows=1)
    return Sample(
        sample_id=f"s{number}",
        source_id=f"s{number}",
        start_ns=0,
        windows=windows,
        scaling=dict.fromkeys(modalities, scaling),
    )


def batch(seed: int) -> EdgeBatch:
    """One in which samples come several times, and some rows have no partner or one that counts nothing."""
    rng = np.random.default_rng(seed)
    pool = [sample(number, rng) for number in range(14)]
    anchors = [pool[int(rng.integers(10))] for _ in range(16)]
    partners = [pool[int(rng.integers(14))] if rng.random() < 0.8 else None for _ in range(16)]
    partners = [one if one is not anchor else None for one, anchor in zip(partners, anchors, strict=True)]
    return EdgeBatch(anchors, partners, rng.choice([0, 0.25, 1], size=16).astype(np.float32))


def by_pairs(step: TrainStep, given: EdgeBatch) -> tuple[float, int]:
    """The loss as it is defined, pair of modalities after pair, with the weights that the step has; and its edges."""
    graph, weights = item_graph(given), step.weights()
    having = {name: [i for i, one in enumerate(graph.items) if name in one.windows] for name in NAMES}
    scaled = {name: np.stack([graph.items[i].scaled(name) for i in own]) for name, own in having.items()}
    embedded = {
        name: build_encoder(SPECS[name], weights[name])(torch.from_numpy(rows)).detach().double()
        for name, rows in scaled.items()
    }
    log_weights = Softening(SETTINGS.softening).log_weights(len(graph.items), np.array(having["acc"]), scaled["acc"])
    assert log_weights.min() < -1
    total = n_edges = 0.0
    count = 0
    for query, key in combinations(NAMES, 2):
        for one, other, weight in ends(graph, query, key):
            total += weight * loss_of(
                embedded[query], embedded[key], having[query], having[key], one, other, graph.related, log_weights
            )
            n_edges += weight
            count += 1
    return total / n_edges, count


def ends(graph: ItemGraph, query: str, key: str) -> list[tuple[int, int, float]]:
    """Edges between two modalities: natural ones, and pseudo-pairs but for what brought the two together."""
    found = [(i, i, 1.0) for i, one in enumerate(graph.items) if query in one.windows and key in one.windows]
    for left, right, weight in zip(graph.left.tolist(), graph.right.tolist(), graph.weights.tolist(), strict=True):
        if "acc" in (query, key) and all("acc" in graph.items[end].windows for end in (left, right)):
            continue
        for one, other in ((left, right), (right, left)):
            if query in graph.items[one].windows and key in graph.items[other].windows:
                found.append((one, other, weight))
    return found


def loss_of(
    queries: torch.Tensor,
    keys: torch.Tensor,
    with_query: list[int],
    with_key: list[int],
    one: int,
    other: int,
    related: np.ndarray,
    log_weights: np.ndarray,
) -> float:
    """Symmetric InfoNCE of one edge, from query to key and back."""

    def logit(left: int, right: int) -> float:
        return float(queries[with_query.index(left)] @ keys[with_key.index(right)]) / SETTINGS.temperature

    forward = [logit(one, k) + log_weights[one, k] for k in with_key if not related[one, k]]
    backward = [logit(q, other) + log_weights[q, other] for q in with_query if not related[q, other]]
    positive = logit(one, other)
    return sum(float(np.log(np.exp([positive, *others]).sum())) - positive for others in (forward, backward)) / 2


@pytest.mark.parametrize("seed", range(4))
def test_one_product_for_all_pairs_of_modalities_gives_the_loss_of_each_pair(seed: int) -> None:
    given, step = batch(seed), TrainStep(SPECS, "acc", SETTINGS, seed)
    wanted, n_edges = by_pairs(step, given)

    result = step.run(given)

    assert result.loss == pytest.approx(wanted, rel=1e-5)
    assert result.n_natural_edges + result.n_pseudo_edges == n_edges
