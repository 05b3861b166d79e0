"""Which ends an edge has, what it weighs, and what is said of the buffer's pairs."""

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from streams.labels import LABEL
from streams.records import Binding, Partner, Sample
from tests.support.recorded import binding_of, small_settings
from trainer.replay.buffer import ReplayBuffer
from trainer.replay.partners import bound_partner, brings_new_pair

HOP_NS = 5_000_000_000


def sample(source: str, slot: int, *others: str) -> Sample:
    windows = {name: np.zeros((2, 1), np.float32) for name in ("acceleration", *(others or ("gyroscope",)))}
    return Sample(sample_id=f"{source}@{slot}", source_id=source, start_ns=slot * HOP_NS, windows=windows, scaling={})


def bound(anchor: Sample, partners: Sequence[Partner]) -> Binding:
    return msgspec.structs.replace(binding_of(anchor, ()), partners=tuple(partners))


def buffer_of(*samples: Sample, shared: str = "acceleration", **settings: object) -> ReplayBuffer:
    buffer = ReplayBuffer(small_settings(**settings), bound_partner(shared))
    for one in samples:
        buffer.admit(binding_of(one, ()), one)
    return buffer


def test_the_confidence_of_a_buffer_is_that_of_best_partners_wherever_they_stand() -> None:
    buffer = buffer_of()
    assert buffer.confidence == (None, 0.0)
    for slot, (best, worst) in enumerate(((0.9, 0.1), (0.5, 0.2))):
        partners = [
            Partner(sample_id="b@0", similarity=0.5, probability=0.2, confidence=worst),
            Partner(sample_id="b@1", similarity=0.5, probability=0.8, confidence=best),
        ]
        buffer.admit(bound(sample("a", slot), partners), sample("a", slot))
    assert np.allclose(np.array(buffer.confidence, float), (0.7, 0))
    unsure = [Partner(sample_id="b@2", similarity=0.5, probability=1.0)]
    buffer.admit(bound(sample("c", 5), unsure), sample("c", 5))
    assert np.allclose(np.array(buffer.confidence, float), (0.7, 1 / 3))


def test_anchors_and_partners_stand_apart_in_a_batch() -> None:
    """Drawn freely, two of so many would stand side by side in all but one of a thousand batches."""
    away = [sample("b", slot, "gravity") for slot in range(120)]
    buffer = buffer_of(*away, batch_spacing_s=12.0)
    partners = [Partner(sample_id=one.sample_id, similarity=0.5, probability=1 / 120) for one in away]
    for slot in range(120):
        buffer.admit(bound(sample("a", slot), partners), sample("a", slot))
    batch = buffer.draw(9)
    starts: dict[str, list[int]] = {"a": [], "b": []}
    for one in (*batch.anchors, *(partner for partner in batch.partners if partner is not None)):
        starts[one.source_id].append(one.start_ns)
    assert len(starts["a"]) == len(starts["b"]) == 9
    assert min(np.diff(sorted(some)).min() for some in starts.values()) >= 12e9


def test_unbalanced_anchors_are_drawn_evenly_over_samples() -> None:
    samples = [sample("rare", 0), *(sample("busy", slot) for slot in range(9))]
    buffer = buffer_of(*samples, balanced_replay=False, batch_spacing_s=0)
    drawn = [one.source_id for one in buffer.draw(400).anchors]
    assert drawn.count("rare") == pytest.approx(40, abs=24)  # four standard deviations


def test_a_source_that_is_forgotten_is_no_anchor_and_no_partner() -> None:
    buffer = buffer_of(sample("gone", 0, "gravity"), sample("gone", 1, "gravity"), sample("stays", 0, "gravity"))
    edges = [Partner(sample_id="gone@0", similarity=0.5, probability=1.0)]
    buffer.admit(bound(sample("a", 0), edges), sample("a", 0))
    assert buffer.forget({"gone"}) == 2
    assert sorted(buffer.samples) == ["a@0", "stays@0"]
    batch = buffer.draw(40)
    assert {one.source_id for one in (*batch.anchors, *batch.partners) if one is not None} == {"a", "stays"}
    assert not batch.weights.any()


def test_a_source_is_never_paired_with_itself() -> None:
    assert brings_new_pair(sample("a", 0), sample("b", 1, "gravity"), "acceleration")
    assert not brings_new_pair(sample("a", 0), sample("a", 1, "gravity"), "acceleration")


def test_related_labels_bind_for_as_much_as_they_are_alike() -> None:
    def labelled(source: str, other: str) -> Sample:
        windows = {name: np.zeros((2, 1), np.float32) for name in (LABEL, other)}
        return msgspec.structs.replace(sample(source, 0), windows=windows)

    anchor, away = labelled("a", "gyroscope"), labelled("b", "gravity")
    buffer = buffer_of(away, shared=LABEL)
    buffer.admit(bound(anchor, [Partner(sample_id=away.sample_id, similarity=0.25, probability=1.0)]), anchor)
    weights = buffer.draw(40).weights
    assert set(weights[weights > 0].tolist()) == {0.25}


def test_a_partner_without_probability_is_never_drawn() -> None:
    away = [sample(name, 0, "gravity") for name in "bc"]
    buffer = buffer_of(*away)
    edges = [Partner(sample_id="b@0", similarity=0.5, probability=0.0)]
    buffer.admit(bound(sample("a", 0), edges), sample("a", 0))
    assert not buffer.draw(40).weights.any()


def test_a_pair_that_is_thought_to_be_wrong_is_not_learned_from() -> None:
    away = [sample("b", slot, "gravity") for slot in (10, 20, 30)]
    buffer = buffer_of(*away, min_confidence=0.3)
    confidences = (0.29, 0.3, None)
    partners = [
        Partner(sample_id=one.sample_id, similarity=0.5, probability=1 / 3, confidence=confidence)
        for one, confidence in zip(away, confidences, strict=True)
    ]
    anchor = sample("a", 0)
    buffer.admit(bound(anchor, partners), anchor)
    rng = np.random.default_rng(0)
    rule = bound_partner("acceleration")
    found = [rule(buffer, anchor, rng) for _ in range(64)]
    assert {one.sample_id for one, weight in found if one is not None and weight} == {"b@20", "b@30"}

    buffer.admit(msgspec.structs.replace(bound(anchor, partners[:1]), round=1), anchor)
    assert {weight for _, weight in (rule(buffer, anchor, rng) for _ in range(8))} == {0.0}
