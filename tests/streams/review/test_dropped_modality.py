"""Of several modalities that bind one is noise: it binds nobody, and its name is told."""

import logging

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from streams.binder import Binder
from streams.records import Sample
from streams.testing import SyntheticWorld
from streams.worker.history_watch import HistoryFigures, HistoryWatch
from streams.worker.metrics import StreamMetrics
from tests.support.rounds import binder, latest, observed, precision, with_noise

WORLD = SyntheticWorld(n_sources=8, n_classes=12, noise=0.8, n_complete=8)
NOISE, WITNESS = (name for name in WORLD.specs if name != WORLD.shared)


def noisy(name: str) -> list[Sample]:
    """All samples with noise instead of what that sensor sees."""
    return with_noise(list(WORLD.samples(80)), name)


def without(samples: list[Sample], name: str, source_id: str) -> list[Sample]:
    """That source lacks the modality."""
    return [
        msgspec.structs.replace(one, windows={key: value for key, value in one.windows.items() if key != name})
        if one.source_id == source_id
        else one
        for one in samples
    ]


def test_samples_that_have_only_the_one_that_is_noise_are_bound_to_nobody() -> None:
    poor = WORLD.sources[0]
    samples = without(noisy(NOISE), WORLD.shared, poor)
    one = binder(WORLD, also_shared=(NOISE,))
    found = latest(observed(one, samples) + one.review())
    assert one.weights[NOISE] == 0 < one.weights[WORLD.shared]
    late = {one.sample_id for one in samples[320:] if one.source_id == poor}
    assert {binding.outcome for binding in found if binding.sample_id in late} == {"alone"}
    assert sum(bool(binding.partners) for binding in found) > 300
    assert precision(found, samples) > 0.7


def test_where_the_first_one_is_noise_it_binds_nobody_on_arrival_and_another_one_does_later() -> None:
    samples = noisy(WORLD.shared)
    one = binder(WORLD, also_shared=(NOISE,))
    sent = observed(one, samples)
    assert one.weights[WORLD.shared] == 0 < one.weights[NOISE]
    assert {binding.outcome for binding in sent if not binding.round and binding.sequence > 320} == {"alone"}
    found = latest(sent + one.review())
    assert sum(bool(binding.partners) for binding in found) > 300
    assert precision(found, samples) > 0.7


def test_the_name_of_the_one_that_is_noise_is_logged_once_and_shown(caplog: pytest.LogCaptureFixture) -> None:
    registry = CollectorRegistry()
    watch, one = HistoryWatch(StreamMetrics(registry)), binder(WORLD, also_shared=(NOISE,))
    observed(one, noisy(NOISE))
    with caplog.at_level(logging.INFO, "streams.worker.history_watch"):
        watch.show(HistoryFigures.of(one))
        watch.show(HistoryFigures.of(one))
        assert registry.get_sample_value("mmbind_binding_weight", {"modality": NOISE}) == 0
        assert (
            registry.get_sample_value("mmbind_binding_weight", {"modality": WORLD.shared}) == one.weights[WORLD.shared]
        )
        watch.show(HistoryFigures.of(Binder(WORLD.settings())))
    told = [record.getMessage() for record in caplog.records]
    assert [text.split(":")[0] for text in told] == [f"{NOISE} binds nobody", f"{NOISE} binds again"]
