import itertools
from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.agreement import Agreements
from streams.binder import Binder
from streams.records import Binding, Sample
from streams.reliability import fit, probability
from streams.settings import BindingSettings, IndexSettings
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=8, n_classes=24, noise=1.2)
SAMPLES = list(WORLD.samples(80))
LABELS = {one.sample_id: one.label for one in SAMPLES}


def binder(world: SyntheticWorld = WORLD, **changes: object) -> Binder:
    settings = BindingSettings.model_validate({"withhold_after": 300, "review_samples": 0, **changes})
    return Binder(world.specs[world.shared], world.shared, settings, IndexSettings(), specs=world.specs)


def observed(one: Binder, samples: Sequence[Sample]) -> list[Binding]:
    return [binding for start in range(0, len(samples), 64) for binding in one.observe(samples[start : start + 64])]


def with_noise(samples: Sequence[Sample], modality: str) -> list[Sample]:
    rng = np.random.default_rng(5)
    return [
        msgspec.structs.replace(one, windows={**one.windows, modality: rng.normal(size=(50, 3)).astype(np.float32)})
        for one in samples
    ]


NOISE = with_noise(SAMPLES, WORLD.shared)


@pytest.fixture(scope="module")
def calibrated() -> tuple[Binder, list[Binding]]:
    one = binder()
    return one, observed(one, SAMPLES)


def precision(bindings: Sequence[Binding]) -> float:
    best = [(one.sample_id, one.partners[0].sample_id) for one in bindings if one.partners]
    return float(np.mean([LABELS[left] == LABELS[right] for left, right in best]))


def test_the_estimate_is_near_the_truth_that_it_never_saw(calibrated: tuple[Binder, list[Binding]]) -> None:
    one, bindings = calibrated
    assert one.calibration is not None
    estimate = one.calibration.estimate
    assert estimate.state == "estimated"
    assert estimate.value == pytest.approx(precision(bindings), abs=0.1)
    assert estimate.low is not None and estimate.high is not None
    assert estimate.low < precision(bindings) < estimate.high


def test_pairs_of_high_confidence_are_right_more_often(calibrated: tuple[Binder, list[Binding]]) -> None:
    known = [one for one in calibrated[1] if one.partners and one.partners[0].confidence is not None]
    assert len(known) > 300
    confidence = np.array([one.partners[0].confidence for one in known], float)
    right = np.array([LABELS[one.sample_id] == LABELS[one.partners[0].sample_id] for one in known])
    surer = confidence > np.median(confidence)
    assert right[surer].mean() > right[~surer].mean() + 0.05


def test_best_partners_are_more_alike_than_random_ones(calibrated: tuple[Binder, list[Binding]]) -> None:
    assert calibrated[0].calibration is not None
    control = calibrated[0].calibration.control
    assert control.margin > 0.2
    assert control.agreement > 3 * control.chance


def test_a_shared_modality_that_is_noise_gives_none_and_pairs_are_withheld() -> None:
    one = binder()
    bindings = observed(one, NOISE)
    assert one.calibration is not None
    assert one.calibration.estimate.state == "none"
    assert one.calibration.estimate.value is None
    assert one.calibration.withholds
    last = Counter(binding.outcome for binding in bindings[-300:])
    assert last == {"withheld": 300}
    assert not any(binding.partners for binding in bindings[-300:])


def test_nothing_is_withheld_before_so_many_samples_were_compared_as_is_set() -> None:
    one = binder(withhold_after=1000)
    bindings = observed(one, NOISE)
    assert one.calibration is not None
    assert one.calibration.estimate.state == "none"
    assert one.calibration.estimate.queries < 1000
    assert "withheld" not in {binding.outcome for binding in bindings}


def test_withholding_ends_when_binding_works_again() -> None:
    one = binder()
    observed(one, NOISE[:320])
    again = [msgspec.structs.replace(sample, sample_id=f"{sample.sample_id}/again") for sample in SAMPLES]
    assert observed(one, again)[-1].outcome == "bound"


def test_labels_are_not_read(calibrated: tuple[Binder, list[Binding]]) -> None:
    labels = np.random.default_rng(0).permutation(np.array([sample.label for sample in SAMPLES]))
    shuffled = [
        msgspec.structs.replace(sample, label=int(label)) for sample, label in zip(SAMPLES, labels, strict=True)
    ]
    one = binder()
    assert observed(one, shuffled) == calibrated[1]
    assert one.calibration is not None and calibrated[0].calibration is not None
    assert one.calibration.estimate == calibrated[0].calibration.estimate


def collapsed(windows: np.ndarray) -> np.ndarray:
    """An encoder that finds all windows alike."""
    unit = np.zeros((len(windows), 16), np.float32)
    unit[:, 0] = 1
    return unit


def test_a_collapsed_encoder_does_not_raise_the_estimate(calibrated: tuple[Binder, list[Binding]]) -> None:
    noise = binder(learned_share=0.9)
    observed(noise, NOISE[:320])
    noise.swap(noise.begin_build(1, {WORLD.shared: collapsed}))
    observed(noise, NOISE[320:])
    assert noise.calibration is not None and noise.calibration.estimate.state == "none"

    one = binder(learned_share=0.9)
    observed(one, SAMPLES[:192])
    one.swap(one.begin_build(1, {WORLD.shared: collapsed}))
    observed(one, SAMPLES[192:])
    assert one.calibration is not None and calibrated[0].calibration is not None
    after, before = one.calibration.estimate, calibrated[0].calibration.estimate
    assert after.value is not None and before.value is not None
    assert after.value < before.value + 0.1


def test_nothing_is_known_where_no_two_sources_have_another_modality_in_common() -> None:
    world = SyntheticWorld(n_sources=2, n_classes=4)
    one = binder(world)
    bindings = observed(one, list(world.samples(200)))
    assert one.calibration is not None
    assert one.calibration.estimate.state == "unknown"
    assert {partner.confidence for binding in bindings for partner in binding.partners} == {None}
    assert bindings[-1].outcome == "bound"


def test_another_generation_is_judged_by_its_own_pairs() -> None:
    one = binder()
    observed(one, SAMPLES[:320])
    assert one.calibration is not None
    before = one.calibration.estimate
    one.swap(one.begin_build(1, {WORLD.shared: collapsed}))
    assert one.calibration.estimate == before
    first = one.observe(SAMPLES[320:384])
    assert {partner.confidence for binding in first for partner in binding.partners} == {None}
    assert one.calibration.estimate == before
    observed(one, SAMPLES[384:])
    assert one.calibration.estimate != before


def test_it_can_be_switched_off() -> None:
    assert binder(calibration=False).calibration is None


def bind(cuts: Sequence[int], samples: Sequence[Sample]) -> tuple[list[Binding], object]:
    one = binder(withhold_after=100)
    bindings: list[Binding] = []
    for start, end in itertools.pairwise(sorted({0, 600, len(samples), *cuts})):
        if start == 600:
            one.swap(one.begin_build(1, {WORLD.shared: collapsed}))
        bindings += one.observe(samples[start:end])
    assert one.calibration is not None
    return bindings, (one.calibration.estimate, one.calibration.control)


# First noise, then not: all states are passed through.
MIXED = [*NOISE[:256], *SAMPLES[256:]]
WHOLE = bind([], MIXED)


def test_the_stream_of_these_tests_has_all_that_may_happen() -> None:
    assert {one.outcome for one in WHOLE[0]} == {"alone", "bound", "withheld"}
    known = {partner.confidence is not None for one in WHOLE[0] for partner in one.partners}
    assert known == {True, False}


@settings(max_examples=8)
@given(st.lists(st.integers(0, len(MIXED)), max_size=20))
def test_any_cut_into_micro_batches_gives_the_same_confidences(cuts: list[int]) -> None:
    assert bind(cuts, MIXED) == WHOLE


def test_one_by_one_gives_the_same_confidences() -> None:
    assert bind(range(len(MIXED)), MIXED) == WHOLE


def pairs(scores: np.ndarray, agree: np.ndarray) -> Agreements:
    n = len(scores)
    return Agreements(scores, agree, np.full(n, 0.05), np.full(n, 0.5), np.arange(n), np.ones(n, int))


def test_the_map_never_falls_and_finds_the_share_it_was_made_with() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=4000)
    right = rng.random(4000) < 1 / (1 + np.exp(-3 * scores))
    agree = rng.random(4000) < np.where(right, 0.7, 0.05)
    found = fit(pairs(scores, agree), scores)
    assert found is not None and found.is_evident
    at = np.linspace(-5, 5, 1001)
    assert np.all(np.diff(probability([found], at)) >= 0)
    assert probability([found], scores).mean() == pytest.approx(right.mean(), abs=0.05)


def test_agreement_that_falls_with_the_score_is_no_reason_to_trust_low_scores() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=1000)
    found = fit(pairs(scores, rng.random(1000) < np.where(scores < 0, 0.6, 0.3)), scores)
    assert found is not None
    assert np.ptp(found.values) == 0


def test_agreement_by_chance_is_no_evidence() -> None:
    rng = np.random.default_rng(2)
    evident = 0
    for _ in range(100):
        scores = rng.normal(size=400)
        found = fit(pairs(scores, rng.random(400) < 0.05), scores)
        assert found is not None
        evident += found.is_evident
    assert evident <= 3
