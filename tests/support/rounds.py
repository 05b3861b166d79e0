"""A stream of samples that is bound, asked again and again."""

from collections.abc import Sequence

from streams.binder import Binder
from streams.records import Binding, Sample
from streams.settings import BindingSettings
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=8, n_classes=24, noise=1.2)
SAMPLES = list(WORLD.samples(80))


def binder(world: SyntheticWorld = WORLD, **changes: object) -> Binder:
    settings = BindingSettings.model_validate({"withhold_after": 300, **changes})
    return Binder(world.settings(binding=settings))


def observed(one: Binder, samples: Sequence[Sample]) -> list[Binding]:
    return [binding for start in range(0, len(samples), 64) for binding in one.observe(samples[start : start + 64])]
