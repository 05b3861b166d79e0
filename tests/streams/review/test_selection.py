"""Whom a round asks, and beside whom: later answers only improve, over the whole history."""

from collections import Counter

import msgspec
import numpy as np

from streams.records import Binding
from streams.review.review import NOTEWORTHY
from tests.support.rounds import SAMPLES, WORLD, binder, observed


def test_in_a_long_history_they_are_asked_once_a_fifth_of_a_table_is_new() -> None:
    asked_at = sorted({one.sequence for one in observed(binder(review_samples=320), SAMPLES) if one.round})
    assert asked_at == list(range(128, len(SAMPLES) + 1, 64))


def test_only_changed_answers_are_sent() -> None:
    asked = binder()
    latest: dict[str, Binding] = {}
    for one in observed(asked, SAMPLES) + asked.review():
        before = latest.get(one.sample_id)
        if before is not None and before.round:
            partners, others = ([partner.sample_id for partner in each.partners] for each in (before, one))
            confidences = [each.partners[0].confidence or 0 for each in (before, one)]
            is_other = partners[0] != others[0] or {*partners} != {*others}
            assert is_other or abs(confidences[0] - confidences[1]) >= NOTEWORTHY or None in confidences
        latest[one.sample_id] = one
    assert asked.review() == []


def test_a_round_asks_no_more_than_a_table_but_finds_partners_in_the_whole_history() -> None:
    place = {sample.sample_id: number for number, sample in enumerate(SAMPLES)}
    bindings = observed(binder(review_samples=100), SAMPLES)
    assert max(Counter(one.round for one in bindings if one.round).values()) <= 100
    ages = [
        place[one.sample_id] - place[one.partners[0].sample_id]
        for one in bindings
        if one.round and one.partners and place[one.sample_id] > len(SAMPLES) - 100
    ]
    assert max(ages) > 400
    assert np.mean(np.array(ages) > 100) > 0.3


def test_nobody_who_was_bound_is_alone_after_one_node_has_uploaded_much_at_once() -> None:
    last = SAMPLES[-1].source_id
    rest = [one for one in SAMPLES if one.source_id != last]
    uploaded = [
        msgspec.structs.replace(one, sample_id=f"{one.sample_id}/{number}", source_id=last)
        for number in range(5)
        for one in SAMPLES
        if one.windows.keys() == SAMPLES[-1].windows.keys()
    ]
    bindings = observed(binder(review_samples=200), [*rest, *uploaded])
    was_bound: set[str] = set()
    for one in bindings:
        assert one.partners or one.sample_id not in was_bound
        was_bound.update([one.sample_id] if one.partners else [])
    latest = {one.sample_id: one for one in bindings}
    assert all(latest[one.sample_id].partners for one in uploaded)


def test_a_pair_that_brings_a_modality_is_not_given_up_for_one_that_does_not() -> None:
    kinds = {one.sample_id: frozenset(one.windows) for one in SAMPLES}
    bring: dict[str, bool] = {}
    for one in observed(binder(review_samples=64), SAMPLES):
        if one.partners:
            brings_new = kinds[one.sample_id] != kinds[one.partners[0].sample_id]
            assert brings_new or not bring.get(one.sample_id)
            bring[one.sample_id] = brings_new


def test_after_a_swap_all_are_asked_again_within_so_many_samples() -> None:
    one = binder(review_samples=320, second_opinion=0.5)
    half = len(SAMPLES) // 2
    observed(one, SAMPLES[:half])
    one.use(1, dict.fromkeys(WORLD.specs, scattered))
    sent = observed(one, SAMPLES[half:])
    asked = {binding.sample_id for binding in sent if binding.round and binding.model_version == 1}
    missing = {sample.sample_id for sample in SAMPLES[:half]} - asked
    assert len(missing) < half / 10


def scattered(windows: np.ndarray) -> np.ndarray:
    """An encoder that finds others alike than all else does."""
    rows = np.tanh(windows.reshape(len(windows), -1) @ np.random.default_rng(3).normal(size=(windows[0].size, 16)))
    rows[:, 0] += 1e-3
    unit: np.ndarray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def test_of_a_kind_that_has_just_come_each_is_in_few_pairs_and_these_are_mostly_right() -> None:
    labels = {one.sample_id: one.label for one in SAMPLES}
    kinds = {one.sample_id: frozenset(one.windows) for one in SAMPLES}
    first, *_ = dict.fromkeys(kinds.values())
    before = [one for one in SAMPLES if frozenset(one.windows) == first]
    newcomers = [one for one in SAMPLES if frozenset(one.windows) != first][:4]
    one = binder(most_uses=8)
    bindings = observed(one, [*before, *newcomers]) + one.review()
    latest = {binding.sample_id: binding for binding in bindings}
    best = [(name, one.partners[0].sample_id) for name, one in latest.items() if one.partners]
    between = [(own, other) for own, other in best if kinds[own] == first != kinds[other]]
    assert 4 <= len(between) <= 4 * 8
    assert np.mean([labels[own] == labels[other] for own, other in between]) > 0.4  # by chance 0.04
