"""The core end to end: windows in, Bindings out."""

from collections import Counter

import msgspec
import numpy as np

from streams.intake.messages import Ingest
from streams.messages.codec import decode, encode
from streams.pipeline import Bound, Pipeline
from streams.records import Binding, Sample
from streams.settings import ModalitySettings
from streams.testing import NS_PER_S, ManualClock, MemoryLog, SyntheticWorld

WORLD = SyntheticWorld(n_sources=8, n_classes=4, held_out=1, seed=5)
N_SLOTS = 25


def run(pipeline: Pipeline, piece: int = 1000) -> list[tuple[Sample, Binding]]:
    windows, bound = list(WORLD.windows(N_SLOTS)), Bound([], [])
    for start in range(0, len(windows), piece):
        bound += pipeline.feed(windows[start : start + piece])
    return (bound + pipeline.flush()).latest


def test_every_sample_gets_one_binding_with_partners_that_do_the_same() -> None:
    bound = run(Pipeline(WORLD.settings()))
    assert {sample.sample_id for sample, _ in bound} == {one.sample_id for one in WORLD.samples(N_SLOTS)}
    assert [binding.sample_id for _, binding in bound] == [sample.sample_id for sample, _ in bound]
    labels = {sample.sample_id: sample.label for sample, _ in bound}
    best = [labels[one.sample_id] == labels[one.partners[0].sample_id] for _, one in bound if one.partners]
    assert len(best) > 150
    assert np.mean(best) > 0.8  # by chance 0.25


def test_held_out_sources_neither_bind_nor_are_partners() -> None:
    bound = run(Pipeline(WORLD.settings()))
    outcomes = Counter(binding.outcome for sample, binding in bound if sample.source_id in WORLD.held_out)
    assert outcomes == {"held-out": N_SLOTS}
    partners = {partner.sample_id.split("@")[0] for _, binding in bound for partner in binding.partners}
    assert partners == set(WORLD.sources) - set(WORLD.held_out)


def test_it_does_not_matter_how_the_stream_is_cut() -> None:
    whole = run(Pipeline(WORLD.settings()))
    pieces = run(Pipeline(WORLD.settings()), piece=7)
    assert [binding for _, binding in whole] == [binding for _, binding in pieces]


def test_windows_that_cannot_be_used_are_counted_and_cost_nothing_else() -> None:
    good = list(WORLD.windows(3))
    bad = [
        msgspec.structs.replace(good[0], start_ns=-1),
        msgspec.structs.replace(good[0], modality="compass"),
        msgspec.structs.replace(good[0], start_ns=good[0].start_ns + 1, values=good[0].values[:, :1]),
        good[0],
    ]
    pipeline = Pipeline(WORLD.settings())
    bound = (pipeline.feed([*good, *bad]) + pipeline.flush()).latest
    assert len(bound) == 24
    assert pipeline.refused == {"time": 1, "unknown-modality": 1, "shape": 1, "duplicate": 1}


def test_what_a_worker_did_through_a_log_is_done_again_offline() -> None:
    """The recorded order of `samples` gives the Bindings of the worker that consumed them."""
    log, clock = MemoryLog(n_partitions=3), ManualClock()
    for one in WORLD.windows(N_SLOTS):
        log.append(f"mmbind.windows.{one.modality}", one.source_id.encode(), encode(one))
    ingest, settings = Ingest(WORLD.settings()), WORLD.settings()
    # Topic after topic, all that there is: the worst case of catching up.
    for partition in log.partitions():
        for message in log.read(*partition):
            emission = ingest.accept(message, clock.advance(0.001) + N_SLOTS * WORLD.hop_ns)
            for sample in emission.samples:
                log.append("samples", sample.sample_id.encode(), encode(sample))
    for sample in ingest.tick(clock() + N_SLOTS * WORLD.hop_ns + 10 * NS_PER_S).samples:
        log.append("samples", sample.sample_id.encode(), encode(sample))

    consumed = [decode(message.value or b"", Sample) for message in log.read("samples")]
    online, offline = Pipeline(settings), Pipeline(settings)
    first = [binding for sample in consumed for binding in online.bind([sample]).bindings]
    again = offline.bind(consumed).bindings
    assert sum(not one.round for one in first) == len(list(WORLD.samples(N_SLOTS)))
    assert any(one.round for one in first)
    assert first == again


def test_a_worker_that_declares_one_more_binds_as_before() -> None:
    world = SyntheticWorld(6, 3, noise=0.1)
    settings = world.settings()
    depth = ModalitySettings(n_channels=192, n_steps=5, rate_hz=1.0)
    more = settings.model_copy(update={"modalities": {**settings.modalities, "depth": depth}})
    windows = list(world.windows(12))
    bound, bound_with_more = (
        [*pipeline.feed(windows).bindings, *pipeline.flush().bindings] for pipeline in map(Pipeline, (settings, more))
    )
    assert bound == bound_with_more
