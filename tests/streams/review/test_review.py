"""Samples that are asked again together: who, when, and what is said of it without labels."""

from collections import Counter

import msgspec
import numpy as np
import pytest

from streams.binder import Binder
from streams.records import Binding
from streams.review.review import SOON
from streams.testing import SyntheticWorld
from tests.support.rounds import SAMPLES, WORLD, binder, latest, observed, precision, with_noise

LABELS = {one.sample_id: one.label for one in SAMPLES}
NOISE = with_noise(SAMPLES, WORLD.shared)


@pytest.fixture(scope="module")
def reviewed() -> tuple[Binder, list[Binding]]:
    one = binder()
    return one, observed(one, SAMPLES) + one.review()


def test_those_who_are_asked_again_find_better_partners(reviewed: tuple[Binder, list[Binding]]) -> None:
    first = [one for one in reviewed[1] if not one.round]
    assert precision(latest(reviewed[1])) > precision(first) + 0.05


def test_samples_are_asked_again_when_a_quarter_more_have_come(reviewed: tuple[Binder, list[Binding]]) -> None:
    asked_at = sorted({one.sequence for one in reviewed[1] if one.round})
    assert asked_at == [*(begun + SOON for begun in (64, 128, 192, 256, 384, 512)), len(SAMPLES)]
    numbers = [one.round for one in reviewed[1] if one.round]
    assert numbers == sorted(numbers)


def test_a_table_of_no_samples_asks_nobody() -> None:
    one = binder(review_samples=0)
    bindings = observed(one, SAMPLES[:200])
    assert [binding.round for binding in bindings] == [0] * 200
    assert one.review() == []


def test_partners_are_of_other_sources_and_bring_a_modality(reviewed: tuple[Binder, list[Binding]]) -> None:
    by_id = {sample.sample_id: sample for sample in SAMPLES}
    for binding in reviewed[1][-len(SAMPLES) :]:
        own = by_id[binding.sample_id]
        assert binding.partners
        for partner in binding.partners:
            other = by_id[partner.sample_id]
            assert other.source_id != own.source_id
            assert other.windows.keys() != own.windows.keys()


def test_samples_of_one_kind_are_bound_to_each_other() -> None:
    world = SyntheticWorld(n_sources=4, n_classes=4, n_complete=4)
    one = binder(world)
    observed(one, list(world.samples(30)))
    assert all(binding.partners for binding in one.review())


def test_the_estimate_is_near_the_truth_that_it_never_saw(reviewed: tuple[Binder, list[Binding]]) -> None:
    estimate = reviewed[0].estimate
    assert estimate.state == "estimated"
    assert estimate.value == pytest.approx(precision(reviewed[1][-len(SAMPLES) :]), abs=0.12)


def test_pairs_of_high_confidence_are_right_more_often(reviewed: tuple[Binder, list[Binding]]) -> None:
    known = [one for one in reviewed[1][-len(SAMPLES) :] if one.partners and one.partners[0].confidence is not None]
    assert len(known) > 300
    confidence = np.array([one.partners[0].confidence for one in known], float)
    right = np.array([LABELS[one.sample_id] == LABELS[one.partners[0].sample_id] for one in known])
    surer = confidence > np.median(confidence)
    assert right[surer].mean() > right[~surer].mean() + 0.05


def test_best_partners_are_more_alike_than_random_ones(reviewed: tuple[Binder, list[Binding]]) -> None:
    control = reviewed[0].control
    assert control.margin > 0.2
    assert control.agreement > 2 * control.chance


def test_a_shared_modality_that_is_noise_gives_none_and_pairs_are_withheld() -> None:
    one = binder()
    bindings = observed(one, NOISE)
    assert one.estimate.state == "none"
    assert one.estimate.value is None
    assert Counter(binding.outcome for binding in bindings[-200:]) == {"withheld": 200}
    assert not any(binding.partners for binding in bindings[-200:])


def test_nothing_is_withheld_before_so_many_samples_came_as_is_set() -> None:
    one = binder(withhold_after=1000)
    assert "withheld" not in {binding.outcome for binding in observed(one, NOISE)}
    assert one.estimate.state == "none"


def test_withholding_ends_when_binding_works_again() -> None:
    one = binder(review_samples=256)
    observed(one, NOISE[:320])
    assert one.review()[0].outcome == "withheld"
    again = [msgspec.structs.replace(sample, sample_id=f"{sample.sample_id}/again") for sample in SAMPLES]
    assert observed(one, again)[-1].outcome == "bound"


def test_labels_are_not_read(reviewed: tuple[Binder, list[Binding]]) -> None:
    labels = np.random.default_rng(0).permutation(np.array([sample.label for sample in SAMPLES]))
    shuffled = [
        msgspec.structs.replace(sample, label=int(label)) for sample, label in zip(SAMPLES, labels, strict=True)
    ]
    one = binder()
    assert observed(one, shuffled) + one.review() == reviewed[1]
    assert one.estimate == reviewed[0].estimate


def collapsed(windows: np.ndarray) -> np.ndarray:
    """An encoder that finds all windows alike."""
    unit = np.zeros((len(windows), 16), np.float32)
    unit[:, 0] = 1
    return unit


def test_a_collapsed_encoder_does_not_raise_the_estimate(reviewed: tuple[Binder, list[Binding]]) -> None:
    one = binder()
    observed(one, SAMPLES)
    one.use(1, dict.fromkeys(WORLD.specs, collapsed))
    one.review()
    assert one.estimate.value == pytest.approx(reviewed[0].estimate.value, abs=0.02)


def test_nothing_is_known_where_no_two_sources_have_another_modality_in_common() -> None:
    world = SyntheticWorld(n_sources=2, n_classes=4)
    one = binder(world)
    bindings = observed(one, list(world.samples(200)))
    assert one.estimate.state == "unknown"
    assert {partner.confidence for binding in bindings for partner in binding.partners} == {None}
    assert bindings[-1].outcome == "bound"


def test_encoders_of_other_modalities_have_a_say() -> None:
    """They know the truth: what they add must show in the pairs."""
    truth = {one.windows[name].tobytes(): int(str(one.label)) for one in SAMPLES for name in one.windows}
    directions = np.random.default_rng(0).normal(size=(WORLD.n_classes, 16)).astype(np.float32)
    scaled = {one.scaled(name).tobytes(): truth[one.windows[name].tobytes()] for one in SAMPLES for name in one.windows}

    def knowing(windows: np.ndarray) -> np.ndarray:
        rows = np.stack([directions[scaled.get(window.tobytes()) or 0] for window in windows])
        unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    others = [name for name in WORLD.specs if name != WORLD.shared]
    encoders = {WORLD.shared: collapsed} | dict.fromkeys(others, knowing)
    found = []
    for second_opinion in (0.0, 0.5):
        one = binder(second_opinion=second_opinion)
        observed(one, SAMPLES)
        one.use(1, encoders)
        found.append(precision(one.review()))
    assert found[1] > found[0] + 0.02


def test_a_modality_that_is_noise_has_nothing_to_say() -> None:
    """Beside one that tells much, it must not blur the pairs."""
    extra = next(name for name in WORLD.specs if name != WORLD.shared)
    everybody = SyntheticWorld(n_sources=8, n_classes=24, noise=1.2, n_complete=8)
    samples = with_noise(list(everybody.samples(60)), extra)
    found = []
    for also_shared in ((), (extra,)):
        one = binder(everybody, also_shared=also_shared)
        sent = observed(one, samples)
        found.append(precision(latest(sent + one.review()), samples))
    assert found[1] > found[0] - 0.03


def test_several_modalities_bind_whoever_has_one_of_them_in_common() -> None:
    """Half of the nodes lack the first shared modality: what they bind by is the second."""
    names = list(WORLD.specs)
    lacking = {source for i, source in enumerate(WORLD.sources) if i % 2}
    samples = [
        msgspec.structs.replace(one, windows={k: v for k, v in one.windows.items() if k != WORLD.shared})
        if one.source_id in lacking
        else one
        for one in SAMPLES
    ]
    one = binder(also_shared=tuple(names[1:]))
    arrived = Counter(binding.outcome for binding in observed(one, samples) if not binding.round)
    assert arrived["no-shared-modality"] == 0
    bindings = one.review()
    by_id = {sample.sample_id: sample for sample in samples}
    bound = [binding for binding in bindings if binding.sample_id.split("@")[0] in lacking and binding.partners]
    assert len(bound) > 200
    for binding in bound:
        for partner in binding.partners:
            assert by_id[binding.sample_id].windows.keys() & by_id[partner.sample_id].windows.keys()
    assert precision(bound) > 0.3  # by chance 0.04


def test_a_sample_that_was_withheld_takes_any_partner_once_binding_works() -> None:
    one = binder(review_samples=256)
    observed(one, NOISE[:384])
    again = [msgspec.structs.replace(sample, sample_id=f"{sample.sample_id}/again") for sample in SAMPLES]
    latest = {binding.sample_id: binding for binding in observed(one, again) + one.review()}
    late = [latest[sample.sample_id] for sample in again[-200:]]
    assert {binding.outcome for binding in late} == {"bound"}
