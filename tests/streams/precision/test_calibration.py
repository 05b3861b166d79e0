from typing import NamedTuple

import numpy as np
import pytest

from streams.precision.agreement_curve import PartnerLikeness
from streams.precision.calibration import Calibration, calibrate
from streams.precision.comparison import best_comparison, sureness
from streams.precision.witnesses import Witness
from streams.similarity.sinkhorn import balanced_plan
from streams.similarity.standard_units import standardised

N_SOURCES, N_CLASSES, N_EACH, SOFTNESS = 8, 12, 50, 0.4


class World(NamedTuple):
    """Half of the sources have one more modality, half another, so that the pairs to emit are between the halves."""

    scores: np.ndarray
    witnesses: list[Witness]
    sources: np.ndarray
    labels: np.ndarray
    usable: np.ndarray

    @property
    def plan(self) -> np.ndarray:
        return balanced_plan(self.scores, self.usable, SOFTNESS)

    @property
    def precision(self) -> float:
        return float((self.labels[self.plan.argmax(axis=1)] == self.labels).mean())


def likeness(labels: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    classes = rng.standard_normal((N_CLASSES, 12))
    rows = classes[labels] + noise * rng.standard_normal((len(labels), 12))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cosines: np.ndarray = (rows @ rows.T).astype(np.float32)
    return cosines


def world(noise: float, seed: int = 0, witness_noise: float = 0.5, n_each: int = N_EACH) -> World:
    rng = np.random.default_rng(seed)
    sources = np.repeat(np.arange(N_SOURCES), n_each)
    labels = rng.integers(N_CLASSES, size=len(sources))
    other, half = sources[:, None] != sources[None, :], sources % 2
    scores = standardised(likeness(labels, noise, rng), other)
    witnesses = []
    for which in range(2):
        having = half == which
        view = np.where(having[:, None] & having[None, :], likeness(labels, witness_noise, rng), np.float32(np.nan))
        witnesses.append(Witness(view, view))
    return World(scores, witnesses, sources, labels, half[:, None] != half[None, :])


def calibrated(one: World) -> Calibration:
    return calibrate(one.scores, one.scores, one.witnesses, one.sources, one.usable)


@pytest.mark.parametrize("noise", [0.7, 0.9])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_estimate_is_near_the_truth_that_it_never_saw(noise: float, seed: int) -> None:
    one = world(noise, seed)
    estimate = calibrated(one).estimate
    assert estimate.state == "estimated"
    assert estimate.value is not None and estimate.low is not None and estimate.high is not None
    assert estimate.value == pytest.approx(one.precision, abs=0.1)
    assert estimate.low <= one.precision <= estimate.high


@pytest.mark.parametrize("noise", [1.1, 1.5, 2.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_where_little_is_known_the_interval_is_wide_or_there_is_none(noise: float, seed: int) -> None:
    one = world(noise, seed)
    estimate = calibrated(one).estimate
    if estimate.state == "estimated":
        assert estimate.low is not None and estimate.high is not None
        assert estimate.low - 0.02 <= one.precision <= estimate.high
        assert estimate.high - estimate.low > 0.2


@pytest.mark.parametrize(("noise", "state"), [(1.5, "unknown"), (2.0, "unknown"), (2.5, "none"), (4.0, "none")])
def test_what_is_not_known_to_half_or_may_be_nothing_at_all_is_no_estimate(noise: float, state: str) -> None:
    estimate = calibrated(world(noise)).estimate
    assert (estimate.state, estimate.value) == (state, None)


@pytest.mark.parametrize("seed", range(5))
def test_a_shared_modality_that_is_noise_gives_none(seed: int) -> None:
    one = world(0.7, seed)
    noise = np.random.default_rng(seed).standard_normal((len(one.labels), 12))
    estimate = calibrated(one._replace(scores=(noise @ noise.T).astype(np.float32))).estimate
    assert estimate.state == "none"
    assert estimate.value is None
    assert estimate.queries == len(one.labels)


def test_a_witness_that_is_noise_gives_none() -> None:
    assert calibrated(world(0.7, witness_noise=1000.0)).estimate.state == "none"


@pytest.mark.parametrize("seed", range(3))
def test_an_encoder_that_finds_all_alike_does_not_raise_the_estimate(seed: int) -> None:
    one = world(1.1, seed)
    rows = np.ones((len(one.labels), 16)) + 0.01 * np.random.default_rng(seed).standard_normal((len(one.labels), 16))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    other = one.sources[:, None] != one.sources[None, :]
    blurred = one._replace(
        scores=one.scores + np.float32(0.5) * standardised((rows @ rows.T).astype(np.float32), other)
    )
    before, after = calibrated(one).estimate.value, calibrated(blurred).estimate.value
    assert before is not None and after is not None
    assert after <= before + 0.05


def test_without_two_sources_that_share_another_modality_nothing_is_known() -> None:
    one = world(0.7)
    assert calibrate(one.scores, one.scores, [], one.sources, one.usable).estimate.state == "unknown"
    alone = np.where(one.sources[:, None] == one.sources[None, :], one.witnesses[0].likeness, np.float32(np.nan))
    assert (
        calibrate(one.scores, one.scores, [Witness(alone, alone)], one.sources, one.usable).estimate.state == "unknown"
    )


def test_few_samples_are_no_ground_for_an_estimate() -> None:
    assert calibrated(world(0.7, n_each=10)).estimate.state == "unknown"


def test_one_modality_in_common_is_enough() -> None:
    one = world(1.1)
    estimate = calibrate(one.scores, one.scores, one.witnesses[:1], one.sources, one.usable).estimate
    assert estimate.state == "estimated"
    assert estimate.queries == len(one.labels) // 2


def test_confidence_is_on_average_the_estimate_and_tells_good_pairs_from_bad() -> None:
    one = world(1.0)
    plan, calibration = one.plan, calibrated(one)
    order = np.argsort(-plan, axis=1, kind="stable")[:, :8]
    confidence = calibration.confidence(np.take_along_axis(sureness(one.scores, plan), order, axis=1))
    assert confidence is not None
    assert confidence.shape == order.shape
    assert ((confidence >= 0) & (confidence <= 1)).all()
    assert confidence[:, 0].mean() == pytest.approx(calibration.estimate.value, abs=0.01)
    right = one.labels[order] == one.labels[:, None]
    best = np.argsort(confidence[:, 0])
    assert right[best[-100:], 0].mean() > right[best[:100], 0].mean() + 0.15
    assert confidence[:, 7].mean() < confidence[:, 0].mean()


def test_of_two_that_have_one_candidate_each_the_one_that_is_more_like_it_is_surer() -> None:
    scores, allowed = np.array([[0.0, 3.0], [1.0, 0.0]]), ~np.eye(2, dtype=bool)
    sure = sureness(scores, balanced_plan(scores, allowed, SOFTNESS))
    assert sure[0, 1] - sure[1, 0] == pytest.approx(2)


def test_there_is_no_confidence_without_an_estimate_or_without_partners() -> None:
    one = world(0.7)
    assert calibrate(one.scores, one.scores, [], one.sources, one.usable).confidence(np.zeros((3, 2))) is None
    assert calibrated(one).confidence(np.full((3, 2), -np.inf)) is None


def test_no_partner_has_no_chance_of_being_right() -> None:
    one = world(1.1)
    sure = np.array([[3.0, 1.0], [2.0, -np.inf], [-np.inf, -np.inf]])
    confidence = calibrated(one).confidence(sure)
    assert confidence is not None
    assert confidence[1, 1] == confidence[2, 0] == confidence[2, 1] == 0


def test_the_way_to_compare_that_finds_more_right_partners_is_chosen() -> None:
    good, poor = world(0.7), world(2.5)
    assert best_comparison({"first": poor.scores, "second": good.scores}, good.witnesses, good.sources) == "second"
    assert best_comparison({"first": good.scores, "second": poor.scores}, good.witnesses, good.sources) == "first"


def test_the_first_way_is_kept_unless_another_is_clearly_better() -> None:
    one = world(1.1)
    noise = np.random.default_rng(0).standard_normal(one.scores.shape).astype(np.float32)
    nearly_alike = one.scores + 0.02 * (noise + noise.T)
    assert best_comparison({"a": one.scores, "b": nearly_alike}, one.witnesses, one.sources) == "a"
    assert best_comparison({"b": nearly_alike, "a": one.scores}, one.witnesses, one.sources) == "b"


def test_without_witnesses_the_first_way_is_chosen() -> None:
    one = world(0.7)
    assert best_comparison({"first": -one.scores, "second": one.scores}, [], one.sources) == "first"


def test_more_candidates_make_best_partners_better() -> None:
    rng = np.random.default_rng(0)
    likeness = rng.standard_normal(1000)
    agree = rng.random(1000) < 1 / (1 + np.exp(-likeness))
    known = np.ones(1000, bool)

    def lift(emitted: np.ndarray, agree: np.ndarray) -> float:
        none = np.zeros(0, bool)
        one = PartnerLikeness(likeness, np.zeros(0), emitted, np.zeros(1000, int))
        return float(one.lift(known, agree, none, none).mean())

    assert lift(likeness, agree) == pytest.approx(0)
    assert 0.1 < lift(likeness + 1, agree) < 0.3
    assert lift(likeness + 1, rng.permutation(agree)) == pytest.approx(0, abs=0.05)


def test_partners_chosen_among_few_tell_what_less_likeness_means_and_never_what_more_does() -> None:
    """The best of all agree alike often however alike they are; those chosen among few seldom."""
    rng = np.random.default_rng(0)
    likeness, few = rng.normal(3, 0.3, 1000), rng.normal(0, 1, 1000)
    agree, few_agree = rng.random(1000) < 0.8, rng.random(1000) < 0.2
    known, groups = np.ones(1000, bool), np.arange(1000) % 2
    emitted = np.where(groups, likeness + 1, likeness - 2)
    lift = PartnerLikeness(likeness, few, emitted, groups).lift(known, agree, known, few_agree)
    assert lift[groups == 0].mean() < -0.3
    assert abs(lift[groups == 1].mean()) < 0.1


def newcomers(one: World, n: int) -> World:
    """Of one half of the sources only `n` samples are there to be bound to."""
    few = np.flatnonzero(one.sources % 2)[:n]
    usable = np.zeros_like(one.usable)
    usable[:, few] = one.usable[:, few]
    return one._replace(usable=usable)


def test_where_the_right_partner_is_not_there_less_is_expected_of_these_kinds_alone() -> None:
    """Eight newcomers of twelve classes: for most of the others none of them is right."""
    one = newcomers(world(0.7), 8)
    one.usable[one.sources % 2 == 1] = (one.sources[:, None] % 2 != one.sources[None, :] % 2)[one.sources % 2 == 1]
    found = calibrate(one.scores, one.scores, one.witnesses, one.sources, one.usable, one.sources % 2)
    best = np.where(one.usable, one.scores, -np.inf).argmax(axis=1)
    right = one.labels[best] == one.labels
    assert set(found.by_kinds) == {(0, 1), (1, 0)}
    assert found.by_kinds[0, 1] < found.by_kinds[1, 0] - 0.2
    assert found.by_kinds[1, 0] == pytest.approx(right[one.sources % 2 == 1].mean(), abs=0.15)
    assert found.by_kinds[0, 1] == pytest.approx(right[one.sources % 2 == 0].mean(), abs=0.2)


def test_pairs_of_a_partner_that_is_used_too_often_are_not_counted() -> None:
    """Of eight newcomers each takes the few that it suits best: more of them are right."""
    one = newcomers(world(0.7), 8)
    few, all_ = (
        calibrate(one.scores, one.scores, one.witnesses, one.sources, one.usable, most_uses=most).estimate.value
        for most in (3, None)
    )
    assert few is not None and all_ is not None
    assert few > all_ + 0.1


def test_confidence_is_on_average_what_is_expected_of_the_kinds() -> None:
    one = world(0.9)
    calibration = calibrated(one)._replace(by_kinds={(0, 1): 0.3, (1, 0): 0.9})
    kinds = np.stack([one.sources % 2, 1 - one.sources % 2], axis=1)
    sure = np.random.default_rng(0).standard_normal((len(kinds), 2))
    confidence = calibration.confidence(sure, kinds)
    assert confidence is not None
    assert confidence[kinds[:, 0] == 0, 0].mean() == pytest.approx(0.3, abs=0.01)
    assert confidence[kinds[:, 0] == 1, 0].mean() == pytest.approx(0.9, abs=0.01)


def test_pairs_that_are_emitted_from_more_candidates_are_thought_right_more_often() -> None:
    one = world(1.0)
    half = one.sources % 2
    likelier = one.scores + np.where(half[:, None] != half[None, :], np.float32(0.5), np.float32(0))
    plain = calibrated(one).estimate.value
    lifted = calibrate(one.scores, likelier, one.witnesses, one.sources, one.usable).estimate.value
    assert plain is not None and lifted is not None
    assert lifted > plain + 0.03


def test_calibrating_twice_gives_the_same() -> None:
    one = world(1.1)
    assert calibrated(one).estimate == calibrated(one).estimate
