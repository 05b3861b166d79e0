import numpy as np
import pytest

from streams.precision.calibration import calibrate
from streams.precision.comparison import sureness
from streams.precision.witnesses import Witness
from streams.similarity.standard_units import standardised
from tests.support.judged_world import calibrated, newcomers, world


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
