"""Samples of which it is known who goes with whom, what binds them, and what two witnesses say."""

from typing import NamedTuple

import numpy as np

from streams.precision.calibration import Calibration, calibrate
from streams.precision.witnesses import Witness
from streams.similarity.sinkhorn import balanced_plan
from streams.similarity.standard_units import standardised

N_SOURCES, N_CLASSES, N_EACH, SOFTNESS = 8, 12, 50, 0.4


class World(NamedTuple):
    """Half of the sources have one more modality, half another, so that the pairs to emit are between the halves."""

    scores: np.ndarray
    witnesses: list[Witness]
    sources: np.ndarray
    labels: np.ndarray
    usable: np.ndarray

    @property
    def plan(self) -> np.ndarray:
        return balanced_plan(self.scores, self.usable, SOFTNESS)

    @property
    def precision(self) -> float:
        return float((self.labels[self.plan.argmax(axis=1)] == self.labels).mean())


def likeness(labels: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    classes = rng.standard_normal((N_CLASSES, 12))
    rows = classes[labels] + noise * rng.standard_normal((len(labels), 12))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cosines: np.ndarray = (rows @ rows.T).astype(np.float32)
    return cosines


def world(noise: float, seed: int = 0, witness_noise: float = 0.5, n_each: int = N_EACH) -> World:
    rng = np.random.default_rng(seed)
    sources = np.repeat(np.arange(N_SOURCES), n_each)
    labels = rng.integers(N_CLASSES, size=len(sources))
    other, half = sources[:, None] != sources[None, :], sources % 2
    scores = standardised(likeness(labels, noise, rng), other)
    witnesses = []
    for which in range(2):
        having = half == which
        view = np.where(having[:, None] & having[None, :], likeness(labels, witness_noise, rng), np.float32(np.nan))
        witnesses.append(Witness(view, view))
    return World(scores, witnesses, sources, labels, half[:, None] != half[None, :])


def calibrated(one: World) -> Calibration:
    return calibrate(one.scores, one.scores, one.witnesses, one.sources, one.usable)


def newcomers(one: World, n: int) -> World:
    """Of one half of the sources only `n` samples are there to be bound to."""
    few = np.flatnonzero(one.sources % 2)[:n]
    usable = np.zeros_like(one.usable)
    usable[:, few] = one.usable[:, few]
    return one._replace(usable=usable)
