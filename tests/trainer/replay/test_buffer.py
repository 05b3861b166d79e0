from collections import Counter

import msgspec
import numpy as np
import pytest

from streams.records import Partner, Sample
from tests.support.recorded import binding_of, small_settings
from trainer.replay.buffer import ReplayBuffer, ReplayEntry
from trainer.replay.partners import bound_partner, edge_weight

HOP_NS = 5_000_000_000


def sample(source: str, slot: int, modalities: str = "acceleration gyroscope") -> Sample:
    windows = {name: np.zeros((2, 1), np.float32) for name in modalities.split()}
    return Sample(sample_id=f"{source}@{slot}", source_id=source, start_ns=slot * HOP_NS, windows=windows, scaling={})


def buffer_of(*samples: Sample, **settings: object) -> ReplayBuffer:
    buffer = ReplayBuffer(small_settings(**settings), bound_partner("acceleration"))
    for one in samples:
        buffer.admit(binding_of(one, ()), one)
    return buffer


def same_draw(one: ReplayBuffer, other: ReplayBuffer) -> bool:
    mine, yours = one.draw(16), other.draw(16)
    ids = [[item and item.sample_id for item in (*batch.anchors, *batch.partners)] for batch in (mine, yours)]
    return ids[0] == ids[1] and bool((mine.weights == yours.weights).all())


def test_admits_a_sample_and_round_once() -> None:
    buffer, one = buffer_of(), sample("a", 0)
    assert buffer.admit(binding_of(one, ()), one)
    assert not buffer.admit(binding_of(one, ()), one)
    assert buffer.admit(binding_of(one, (), round_=1), one)
    assert len(buffer) == 1


def test_of_two_answers_with_one_identity_the_first_in_the_log_holds() -> None:
    buffer, one = buffer_of(), sample("a", 0)
    lives = [msgspec.structs.replace(binding_of(one, [f"b@{life}"]), worker=f"w-{life}") for life in (1, 2)]
    assert [buffer.admit(answer, one) for answer in lives] == [True, False]
    assert [partner.sample_id for partner in buffer.edges_of("a@0")] == ["b@1"]


def test_a_newer_round_replaces_and_an_older_one_that_comes_late_does_not() -> None:
    buffer, one = buffer_of(), sample("a", 0)
    for round_, partner in ((1, "b@1"), (2, "b@2"), (0, "b@0")):
        assert buffer.admit(binding_of(one, [partner], round_=round_), one)
    assert [partner.sample_id for partner in buffer.edges_of("a@0")] == ["b@2"]


def test_a_withheld_binding_has_natural_edges_only() -> None:
    buffer = buffer_of(sample("b", 1, "acceleration magnetometer"))
    one = sample("a", 0)
    withheld = msgspec.structs.replace(binding_of(one, ["b@1"]), outcome="withheld")
    assert buffer.admit(withheld, one)
    assert buffer.edges_of("a@0") == ()
    batch = buffer.draw(16)
    assert "a@0" in {anchor.sample_id for anchor in batch.anchors}
    assert not batch.weights.any()


def test_forgets_the_oldest_of_the_source_that_has_most_when_full() -> None:
    busy = [sample("busy", slot) for slot in range(6)]
    buffer = buffer_of(sample("calm", 0), *busy, replay_samples=4)
    assert list(buffer.samples) == ["calm@0", "busy@3", "busy@4", "busy@5"]


def test_never_holds_more_than_it_may() -> None:
    buffer = buffer_of(replay_samples=5)
    for slot in range(20):
        for source in "abc":
            one = sample(source, slot)
            buffer.admit(binding_of(one, ()), one)
            assert len(buffer) <= 5


def test_holds_no_more_bytes_of_windows_than_it_may() -> None:
    """A sample of `sample` has two windows of 8 bytes."""
    buffer = ReplayBuffer(small_settings().model_copy(update={"replay_bytes": 40}), bound_partner("acceleration"))
    for slot, source in enumerate("aabaca"):
        one = sample(source, slot)
        buffer.admit(binding_of(one, ()), one)
        buffer.admit(binding_of(one, (), round_=1), one)
        assert buffer.n_bytes == 16 * len(buffer) <= 40
    assert list(buffer.samples) == ["b@2", "c@4"]
    assert buffer.forget({"b"}) == 1 and buffer.n_bytes == 16


def test_a_sample_larger_than_all_bytes_is_kept_until_the_next_one_comes() -> None:
    buffer = ReplayBuffer(small_settings().model_copy(update={"replay_bytes": 8}), bound_partner("acceleration"))
    for slot in range(2):
        one = sample("a", slot)
        buffer.admit(binding_of(one, ()), one)
        assert list(buffer.samples) == [f"a@{slot}"]


def test_forgets_old_identities_beyond_those_that_it_may_remember() -> None:
    buffer = buffer_of(*(sample("a", slot) for slot in range(4)), remembered_bindings=2)
    assert [identity[0] for identity in buffer.snapshot().admitted] == ["a@2", "a@3"]


def test_a_sample_of_one_modality_is_admitted_but_not_kept() -> None:
    buffer, one = buffer_of(), sample("a", 0, "gyroscope")
    assert buffer.admit(binding_of(one, ()), one)
    assert len(buffer) == 0
    assert not buffer.admit(binding_of(one, ()), one)


def test_draws_anchors_evenly_over_sources_however_many_samples_each_has() -> None:
    buffer = buffer_of(sample("rare", 0), *(sample("busy", slot) for slot in range(30)))
    anchors = Counter(one.source_id for one in buffer.draw(2000).anchors)
    # Four standard deviations of a fair coin.
    assert abs(anchors["rare"] - 1000) < 4 * np.sqrt(500)


def test_draws_partners_in_proportion_to_their_probabilities() -> None:
    anchor, partners = sample("a", 0), [sample(name, 0, "acceleration gravity") for name in "bcd"]
    buffer = buffer_of(*partners)
    edges = tuple(
        Partner(sample_id=one.sample_id, similarity=0.5, probability=share)
        for one, share in zip(partners, (0.6, 0.3, 0.1), strict=True)
    )
    buffer.admit(msgspec.structs.replace(binding_of(anchor, ()), partners=edges), anchor)
    drawn: Counter[str] = Counter()
    batch = buffer.draw(8000)
    for one, partner in zip(batch.anchors, batch.partners, strict=True):
        if one.source_id == "a" and partner is not None:
            drawn[partner.source_id] += 1
    shares = [drawn[name] / drawn.total() for name in "bcd"]
    assert shares == pytest.approx([0.6, 0.3, 0.1], abs=0.05)


def test_an_edge_is_drawn_only_when_both_ends_are_there_and_bring_a_new_pair_of_modalities() -> None:
    same_kind, away = sample("b", 0), sample("c", 0, "acceleration gravity")
    anchor = sample("a", 0)
    buffer = buffer_of(same_kind)
    buffer.admit(binding_of(anchor, [same_kind.sample_id, away.sample_id]), anchor)
    assert not buffer.draw(50).weights.any()
    buffer.admit(binding_of(away, ()), away)
    batch = buffer.draw(50)
    edges = {
        (one.source_id, partner.source_id)
        for one, partner, weight in zip(batch.anchors, batch.partners, batch.weights, strict=True)
        if partner is not None and weight > 0
    }
    assert edges == {("a", "c")}


def test_an_anchor_without_edges_gets_a_companion_of_another_source_that_weighs_nothing() -> None:
    batch = buffer_of(sample("a", 0), sample("b", 0)).draw(20)
    assert all(
        partner is not None and partner.source_id != one.source_id
        for one, partner in zip(batch.anchors, batch.partners, strict=True)
    )
    assert not batch.weights.any()


def test_a_single_source_has_natural_edges_only() -> None:
    assert set(buffer_of(sample("a", 0), sample("a", 1)).draw(8).partners) == {None}


def test_keeps_the_windows_of_one_source_apart_in_a_batch() -> None:
    buffer = buffer_of(*(sample("a", slot) for slot in range(200)), batch_spacing_s=12.0)
    starts = sorted(one.start_ns for one in buffer.draw(8).anchors)
    assert np.diff(starts).min() >= 12e9


def test_draws_all_the_same_where_spacing_is_impossible() -> None:
    assert len(buffer_of(sample("a", 0), batch_spacing_s=60.0).draw(8).anchors) == 8


def test_refuses_to_draw_from_nothing() -> None:
    with pytest.raises(ValueError, match="empty"):
        buffer_of().draw(1)


@pytest.mark.parametrize(("rule", "weight"), [("one", 1.0), ("similarity", 0.25)])
def test_an_edge_weighs_what_the_setting_says(rule: str, weight: float) -> None:
    partner = Partner(sample_id="b@0", similarity=0.25, probability=0.125)
    assert edge_weight(partner, small_settings(edge_weight=rule)) == weight


def test_an_edge_of_negative_similarity_weighs_nothing() -> None:
    partner = Partner(sample_id="b@0", similarity=-0.5, probability=1.0)
    assert edge_weight(partner, small_settings(edge_weight="similarity")) == 0


def test_goes_on_alike_from_a_snapshot() -> None:
    first = [sample(source, slot, "acceleration gravity") for source in "ba" for slot in range(9)]
    buffer = buffer_of(*first, replay_samples=12)
    buffer.draw(5)
    twin = ReplayBuffer(buffer.settings, bound_partner("acceleration"), buffer.snapshot(), dict(buffer.samples))
    assert same_draw(buffer, twin)
    for slot in range(9, 20):
        one = sample("cab"[slot % 3], slot)
        for each in (buffer, twin):
            assert not each.admit(binding_of(first[slot - 9], ()), first[slot - 9])
            each.admit(binding_of(one, [first[10].sample_id, first[16].sample_id]), one)
        assert same_draw(buffer, twin)
    assert list(buffer.samples) == list(twin.samples)


def test_leaves_out_and_counts_what_is_no_longer_found() -> None:
    state = buffer_of(sample("a", 0), sample("b", 0)).snapshot()
    found = {"a@0": sample("a", 0)}
    twin = ReplayBuffer(small_settings(), bound_partner("acceleration"), state, found)
    assert (twin.n_missing, list(twin.samples)) == (1, ["a@0"])
    assert isinstance(twin.snapshot().edges[0], ReplayEntry)
