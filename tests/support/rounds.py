"""A stream of samples that is bound, asked again and again."""

from collections.abc import Sequence

import msgspec
import numpy as np

from streams.binder import Binder
from streams.records import Binding, Sample
from streams.settings import BindingSettings
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=8, n_classes=24, noise=1.2)
SAMPLES = list(WORLD.samples(80))


def binder(world: SyntheticWorld = WORLD, **changes: object) -> Binder:
    settings = BindingSettings.model_validate({"withhold_after": 300, **changes})
    return Binder(world.settings(binding=settings))


def with_noise(samples: Sequence[Sample], modality: str) -> list[Sample]:
    """The same with noise instead of what that sensor sees."""
    rng, spec = np.random.default_rng(5), WORLD.specs[modality]
    shape = (spec.n_steps, spec.n_channels)
    return [
        msgspec.structs.replace(one, windows={**one.windows, modality: rng.normal(size=shape).astype(np.float32)})
        for one in samples
    ]


def latest(bindings: Sequence[Binding]) -> list[Binding]:
    """Of each sample what was said of it last."""
    return list({one.sample_id: one for one in bindings}.values())


def precision(bindings: Sequence[Binding], samples: Sequence[Sample] = SAMPLES) -> float:
    """The share of best partners that have the same label."""
    labels = {one.sample_id: one.label for one in samples}
    best = [(one.sample_id, one.partners[0].sample_id) for one in bindings if one.partners]
    return float(np.mean([labels[left] == labels[right] for left, right in best]))


def observed(one: Binder, samples: Sequence[Sample]) -> list[Binding]:
    return [binding for start in range(0, len(samples), 64) for binding in one.observe(samples[start : start + 64])]
