"""Any number of modalities, of very unlike rates and shapes, on sources that have any subset of them."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deploy.recordings.recordings import Recordings, arrange, restrict
from deploy.replay.loop import Loop
from deploy.replay.plan import described
from deploy.settings.config import Settings
from encoders.modality import ModalitySpec
from streams.models.registry import Registry
from streams.testing import SyntheticWorld

WINDOW_S = 5
# Steps and channels of a window: fast accelerometers, slow depth frames, a skeleton, a heart rate, a single number.
SHAPES = ((500, 3), (5, 192), (150, 60), (5, 1), (1, 4))
N_SOURCES, N_SLOTS = 10, 10


def specs_of(n_modalities: int) -> list[ModalitySpec]:
    shapes = itertools.islice(itertools.cycle(SHAPES), n_modalities)
    return [
        ModalitySpec(name=f"sensor-{i:02d}", n_steps=n_steps, n_channels=n_channels, rate_hz=n_steps / WINDOW_S)
        for i, (n_steps, n_channels) in enumerate(shapes)
    ]


def recordings_of(n_modalities: int, never_seen: Sequence[str] = ()) -> Recordings:
    """Two held-out sources have everything; the others any subset, most with the first modality, one with it alone."""
    specs = specs_of(n_modalities)
    world = SyntheticWorld(N_SOURCES, 3, specs=specs, n_complete=N_SOURCES, noise=0.1)
    rng = np.random.default_rng(n_modalities)
    has = {source: {specs[0].name, *rng.permutation([one.name for one in specs])[:3]} for source in world.sources}
    has |= {source: {one.name for one in specs} for source in world.sources[:2]}
    has |= {world.sources[2]: {specs[0].name}, world.sources[3]: {one.name for one in specs[1:]}}
    windows = [one for one in world.windows(N_SLOTS) if one.modality in has[one.source_id] - {*never_seen}]
    # A sensor that breaks down now and then: subsets change within a source too.
    windows = [one for one in windows if one.source_id in world.sources[:2] or rng.random() < 0.9]
    return restrict(arrange("many", specs, windows, specs[0].name), hold_out=world.sources[:2], shared=specs[0].name)


def loop_over(recordings: Recordings, root: str) -> Loop:
    settings = Settings.model_validate(
        {
            "modalities": {name: described(spec) for name, spec in recordings.specs.items()},
            "shared_modality": recordings.shared,
            "ingest": {"hop_s": WINDOW_S, "grace_s": 2 * WINDOW_S, "held_out_sources": sorted(recordings.held_out)},
            "trainer": {
                "cycle_bindings": 24, "steps_per_cycle": 4, "warm_samples": 1, "batch_pairs": 16, "width": 8, "dim": 16
            },
        }
    )  # fmt: skip
    loop = Loop(settings, Registry(root))
    loop.replay(recordings.visible)
    return loop


@pytest.mark.parametrize("n_modalities", [3, 5, 15])
def test_every_modality_that_was_seen_beside_another_gets_an_encoder(n_modalities: int, tmp_path: Path) -> None:
    recordings = recordings_of(n_modalities)
    loop = loop_over(recordings, str(tmp_path))
    assert not loop.pipeline.refused
    trained = [one for one in loop.samples.values() if not one.held_out]
    beside_another = {name for one in trained if len(one.windows) > 1 for name in one.windows}
    assert beside_another == set(recordings.specs)
    last = loop.weights[max(loop.weights)]
    assert set(last) == beside_another
    for arrays in last.values():
        assert all(np.isfinite(values).all() for values in arrays.values())
    figures = loop.learner.evaluate().figures
    assert sum(name.endswith("/mrr") for name in figures) == n_modalities * (n_modalities - 1)


def test_sources_of_any_subset_are_all_bound_or_told_why(tmp_path: Path) -> None:
    recordings = recordings_of(5)
    loop = loop_over(recordings, str(tmp_path))
    n_samples = len({(one.source_id, one.start_ns) for one in recordings.visible})
    assert len(loop.samples) == n_samples
    assert {one.sample_id for one in loop.bindings} == set(loop.samples)
    for binding in loop.bindings:
        own = loop.samples[binding.sample_id].source_id
        assert all(loop.samples[partner.sample_id].source_id != own for partner in binding.partners)


def test_a_declared_modality_that_never_comes_gets_no_encoder(tmp_path: Path) -> None:
    loop = loop_over(recordings_of(5, never_seen=["sensor-01"]), str(tmp_path))
    assert set(loop.weights[max(loop.weights)]) == {f"sensor-{i:02d}" for i in (0, 2, 3, 4)}


@pytest.mark.parametrize(("shared", "least"), [("sensor-01", 0.6), ("sensor-04", 0.0)])
def test_windows_of_few_steps_can_bind_too(shared: str, least: float, tmp_path: Path) -> None:
    recordings = replace(recordings_of(5), shared=shared)
    loop = loop_over(recordings, str(tmp_path))
    labels = {(one.source_id, one.start_ns): one.label for one in recordings.windows}
    found = [
        [loop.samples[one.sample_id], loop.samples[one.partners[0].sample_id]] for one in loop.bindings if one.partners
    ]
    assert {one.source_id for one, _ in found} == {
        one.source_id for one in loop.samples.values() if shared in one.windows and not one.held_out
    }
    right = [labels[one.source_id, one.start_ns] == labels[other.source_id, other.start_ns] for one, other in found]
    assert np.mean(right) > least
