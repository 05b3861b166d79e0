import numpy as np
import pytest

from streams.precision.agreement_curve import AgreementCurve, PartnerLikeness, fitted_curve
from streams.precision.witnesses import Farness

N, AMONG = 1000, 50
SURENESS = np.random.default_rng(0).standard_normal(N)
NO_FEW = Farness(np.zeros(0), np.zeros(0, np.int64))
LIKENESS = PartnerLikeness(SURENESS, np.zeros(0), SURENESS, np.zeros(N, int))


def far(agree: np.ndarray) -> Farness:
    """Partners that agree are the very nearest of 50, the others are in their middle."""
    return Farness(np.where(agree, 0.0, 0.5), np.full(len(agree), AMONG))


def agreeing(share: np.ndarray | float, seed: int = 1) -> np.ndarray:
    drawn: np.ndarray = np.random.default_rng(seed).random(N) < share
    return drawn


def curve(agree: np.ndarray, *known_alike: np.ndarray) -> AgreementCurve:
    found = fitted_curve(far(agree), SURENESS, [far(one) for one in known_alike], LIKENESS, NO_FEW)
    assert found is not None
    return found


def test_it_is_the_logistic_curve_that_agreement_was_drawn_from() -> None:
    found = curve(agreeing(1 / (1 + np.exp(-(2 * SURENESS - 1)))))
    assert found.intercept == pytest.approx(-1, abs=0.2)
    assert found.slope == pytest.approx(2, abs=0.3)
    assert found.is_evident and found.chance == pytest.approx(0.1)
    assert found.right == pytest.approx(float(found(np.sort(SURENESS)[-N // 10 :]).mean()), abs=0.02)


def test_that_sure_pairs_agree_less_is_luck_and_never_said() -> None:
    found = curve(agreeing(1 / (1 + np.exp(SURENESS))))
    assert found.slope == 0
    assert found(np.array([-2.0, 2.0])).tolist() == [pytest.approx(0.5, abs=0.05)] * 2


def test_where_sureness_says_nothing_pairs_that_are_alike_anyway_tell_how_often_right_ones_agree() -> None:
    agree = agreeing(0.3)
    alone, beside = curve(agree), curve(agree, agreeing(0.9, seed=2))
    assert beside.gain > 1.2 * alone.gain
    assert beside.down > alone.down, "and the doubt grows"


def test_of_too_few_pairs_nothing_is_said() -> None:
    unknown = np.full(N, np.nan)
    unknown[:99] = 0.0
    assert fitted_curve(Farness(unknown, np.full(N, AMONG)), SURENESS, [], LIKENESS, NO_FEW) is None


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
