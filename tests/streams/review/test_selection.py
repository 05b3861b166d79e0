"""Whom a round asks, and beside whom: later answers only improve, over the whole history."""

from collections import Counter

import msgspec
import numpy as np

from streams.records import Binding
from streams.review.remembered import Remembered
from streams.review.review import NOTEWORTHY, SOON
from streams.review.selection import DRAWN, OLD, Selection, new_of, select
from tests.support.remembered import arrived, remembered, sample
from tests.support.rounds import SAMPLES, WORLD, binder, observed

N, SIZE = 200, 50
FIRST_NEW = N - 10
LIKELY = [5, 17, 30]


def history() -> Remembered:
    """Each found some of the first 60; all have their answers, and those of some are likely to change."""
    one = remembered(SIZE, history=N, neighbours=16)
    rng = np.random.default_rng(0)
    for number in range(N):
        found = rng.permutation(min(number, 60))[:16]
        one.append(sample(number), arrived(number, found.tolist(), rng.random(len(found)).tolist()))
    one.connect()
    one.graph.settle(one.numbers)
    one.graph.raise_all(np.array(LIKELY), 1.0)
    return one


def asked(selection: Selection) -> list[int]:
    found: list[int] = selection.numbers[selection.is_asked].tolist()
    return found


def test_a_history_that_fits_is_asked_as_a_whole() -> None:
    assert asked(select(history(), FIRST_NEW, N)) == list(range(N))


def test_those_that_are_new_are_asked_and_of_the_others_those_whose_answer_is_likely_to_change() -> None:
    assert asked(select(history(), FIRST_NEW, SIZE)) == [*LIKELY, *range(FIRST_NEW, N)]


def test_of_those_whose_answer_is_likely_to_change_the_likeliest_are_asked() -> None:
    one = history()
    one.graph.raise_all(np.arange(60, 90), 0.5)
    again = asked(select(one, FIRST_NEW, SIZE))[: FIRST_NEW - N]
    assert len(again) == round(OLD * SIZE)
    assert {*again} > {*LIKELY}


def test_a_table_has_the_best_candidates_of_those_who_are_asked_and_a_part_drawn_at_random() -> None:
    one = history()
    numbers = select(one, FIRST_NEW, SIZE).numbers
    assert numbers.tolist() == sorted({*numbers.tolist()})
    assert len(numbers) == SIZE
    of_asked = one.candidates(np.array([*LIKELY, *range(FIRST_NEW, N)]))
    assert {*of_asked[:, 0].tolist()} <= {*numbers.tolist()}
    n_drawn = len({*range(60, FIRST_NEW)} & {*numbers.tolist()} - {*of_asked.ravel().tolist()})
    assert 0 < n_drawn <= round(DRAWN * SIZE), "the others of those drawn are candidates too"


def test_who_is_not_asked_has_an_answer_where_all_its_candidates_are_there() -> None:
    """All that are new found 0 and 1: of 1 there are better candidates, that are not in the table."""
    one = remembered(SIZE, history=N, neighbours=16)
    for number in range(N):
        found = [0, 1] if number >= FIRST_NEW else [1] if 20 <= number < 60 else []
        one.append(sample(number), arrived(number, found, [2.0 if number < FIRST_NEW else 1.0] * len(found)))
    one.connect()
    one.graph.settle(one.numbers)
    selection = select(one, FIRST_NEW, SIZE)
    assert {0, 1} <= {*selection.numbers.tolist()}
    assert 0 in asked(selection)
    assert 1 not in asked(selection)


def test_in_a_long_history_they_are_asked_once_two_fifths_of_a_table_are_new_and_told_when_others_are() -> None:
    asked_at = sorted({one.sequence for one in observed(binder(review_samples=160), SAMPLES) if one.round})
    assert new_of(160) == 64
    assert asked_at == [64 + SOON, 128 + SOON, *range(256, len(SAMPLES) + 1, 64)]


def test_only_changed_answers_are_sent_and_those_that_are_surer_by_much() -> None:
    asked, n_surer = binder(), 0
    latest: dict[str, Binding] = {}
    for one in observed(asked, SAMPLES) + asked.review():
        before = latest.get(one.sample_id)
        if before is not None and before.round:
            partners, others = ([partner.sample_id for partner in each.partners] for each in (before, one))
            confidences = [each.partners[0].confidence or 0 for each in (before, one)]
            is_other = partners[0] != others[0] or {*partners} != {*others}
            assert is_other or abs(confidences[0] - confidences[1]) >= NOTEWORTHY
            n_surer += not is_other
        latest[one.sample_id] = one
    assert n_surer > 0
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
