"""What a round depends on: the stream's time, the model that is in use, and what no model may change."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from streams.binder import Binder
from streams.records import Binding
from streams.settings import BindingSettings
from streams.testing import NS_PER_S, SyntheticWorld
from tests.support.rounds import precision

WORLD = SyntheticWorld(n_sources=8, n_classes=24, noise=1.2)
SAMPLES = list(WORLD.samples(48))
OTHERS = [name for name in WORLD.specs if name != WORLD.shared]
LABELS = {one.scaled(name).tobytes(): int(str(one.label)) for one in SAMPLES for name in one.windows}
DIRECTIONS = np.random.default_rng(0).normal(size=(WORLD.n_classes, 16)).astype(np.float32)


def binder(**changes: object) -> Binder:
    return Binder(WORLD.settings(binding=BindingSettings.model_validate(changes)))


def rounds_of(bindings: Sequence[Binding]) -> dict[int, list[Binding]]:
    found = defaultdict(list)
    for one in bindings:
        if one.round:
            found[one.round].append(one)
    return found


def partners_of(*told: Sequence[Binding]) -> dict[str, tuple[str, frozenset[str]]]:
    """Of each sample its best partner and all of them, as they were told last."""
    latest = {one.sample_id: [partner.sample_id for partner in one.partners] for some in told for one in some}
    return {sample_id: (partners[0], frozenset(partners)) for sample_id, partners in latest.items()}


def unit(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float32)
    found: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def knowing(windows: np.ndarray) -> np.ndarray:
    """An encoder that knows what each window shows."""
    return unit(np.stack([DIRECTIONS[LABELS.get(one.tobytes(), 0)] for one in windows]))


def mistaken(windows: np.ndarray) -> np.ndarray:
    """One that tells windows apart by what they do not show."""
    return unit(np.stack([np.random.default_rng(list(one.tobytes()[:64])).normal(size=16) for one in windows]))


def spectral(windows: np.ndarray) -> np.ndarray:
    """One that sees what the descriptor sees, and so bears out what a witness says."""
    return unit(np.abs(np.fft.rfft(windows, axis=1)[:, 1:11]).reshape(len(windows), -1)[:, :20] + 1e-3)


def remembering(**changes: object) -> Binder:
    """A binder that took in all samples, and no model."""
    one = binder(**changes)
    one.remember(SAMPLES)
    return one


def test_a_worker_that_begins_later_has_later_rounds() -> None:
    """Else what it says of a sample would never replace what another one has said before."""
    first, second = (rounds_of(binder().observe(some)) for some in (SAMPLES[:256], SAMPLES[256:]))
    assert len(first) > 2
    assert min(second) > max(first)
    told_at = max(one.sequence for some in first.values() for one in some)
    assert max(first) == max(one.start_ns for one in SAMPLES[:told_at]) // NS_PER_S


def test_in_a_long_history_pairs_are_judged_anew_once_as_many_are_new_as_a_table_holds() -> None:
    one, controls = binder(review_samples=150), []
    for start in range(0, len(SAMPLES), 64):
        one.observe(SAMPLES[start : start + 64])
        controls.append(one.control)
    assert [after is not before for before, after in pairwise(controls)] == [True, True, False, False, True]


@pytest.mark.parametrize("evidence", ["smoothed", "lag_tolerant"])
def test_in_noise_partners_are_right_more_often_by_all_the_evidence_that_there_is(evidence: str) -> None:
    world = SyntheticWorld(n_sources=8, n_classes=12, noise=2.0)
    samples = list(world.samples(48))
    right = []
    for is_heard in (False, True):
        one = Binder(world.settings(binding=BindingSettings.model_validate({evidence: is_heard})))
        one.remember(samples)
        right.append(precision(one.review(), samples))
    assert right[1] > right[0] + 0.05


def test_a_balanced_round_spreads_pairs_over_all_partners() -> None:
    used = []
    for balanced in (False, True):
        use: defaultdict[str, float] = defaultdict(float)
        for binding in remembering(balanced=balanced).review():
            for partner in binding.partners:
                use[partner.sample_id] += partner.probability
        used.append(max(use.values()))
    assert used[1] < 0.7 * used[0]


def test_all_are_asked_at_the_next_sample_after_a_swap_and_told_soon() -> None:
    one = binder()
    one.remember(SAMPLES[:-64])
    one.use(1, {WORLD.shared: knowing})
    assert not rounds_of(one.observe(SAMPLES[-64:-49]))
    told = [binding for binding in one.observe(SAMPLES[-49:-48]) if binding.round]
    assert [binding.sample_id for binding in told] == [sample.sample_id for sample in SAMPLES[:-64]]
    assert {binding.model_version for binding in told} == {1}


def test_a_swap_waits_for_no_round_that_goes_on_and_the_next_one_asks_with_the_new_model() -> None:
    may_go_on, seen = threading.Event(), list[int]()

    def slow(windows: np.ndarray) -> np.ndarray:
        if threading.current_thread().name == "round":
            assert may_go_on.wait(20)
        return knowing(windows)

    one, alone = binder(), binder()
    for each in (one, alone):
        each.remember(SAMPLES[:-64])
    one.use(1, {OTHERS[0]: slow})
    alone.use(1, {OTHERS[0]: knowing})
    one.observe(SAMPLES[-64:-60])
    alone.observe(SAMPLES[-64:-60])
    one.use(2, {OTHERS[0]: mistaken})  # would wait for ever
    one.observe(SAMPLES[-60:-52])
    may_go_on.set()
    told = one.observe(SAMPLES[-52:-24])
    seen = [binding.model_version for binding in told if binding.round]
    assert (min(seen), max(seen), seen) == (1, 2, sorted(seen))
    before = [binding for binding in told if binding.round and binding.model_version == 1]
    assert partners_of(before) == partners_of(rounds_of(alone.observe(SAMPLES[-60:-40])).popitem()[1])


def test_a_trained_encoder_of_the_shared_modality_finds_better_partners() -> None:
    one = remembering(second_opinion=0.0)
    before = precision(one.review(), SAMPLES)
    one.use(1, {WORLD.shared: knowing})
    assert precision(one.review(), SAMPLES) > before + 0.05


def test_a_round_after_a_swap_asks_the_new_model_alone() -> None:
    swapped, fresh = remembering(), remembering()
    swapped.use(1, dict.fromkeys(WORLD.specs, mistaken))
    told = [swapped.review()]
    for one in (swapped, fresh):
        one.use(2, dict.fromkeys(WORLD.specs, knowing))
    assert partners_of(*told, swapped.review()) == partners_of(fresh.review())


def test_no_model_has_a_say_in_what_pairs_are_thought_to_be_worth() -> None:
    one = remembering()
    untrained = one.review()
    before = one.estimate
    assert before.state == "estimated"
    one.use(1, dict.fromkeys(OTHERS, spectral))
    trained = one.review()
    assert [binding.partners for binding in trained] != [binding.partners for binding in untrained]
    assert one.estimate == before


def test_confidence_falls_from_the_best_partner_on_and_is_the_estimate_in_the_mean() -> None:
    one = remembering()
    told = [[partner.confidence for partner in binding.partners] for binding in one.review()]
    best, worst = (np.array([known[end] for known in told if len(known) == 8], float) for end in (0, -1))
    assert best.mean() == pytest.approx(one.estimate.value, abs=0.02)
    assert worst.mean() < best.mean() - 0.1
