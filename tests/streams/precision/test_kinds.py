"""Many kinds of pairs are worked on together, and each comes out as it would alone."""

import numpy as np
import pytest

from streams.precision.kinds import places_of, shifts


def right(units: np.ndarray) -> np.ndarray:
    curve: np.ndarray = 1 / (1 + np.exp(-units))
    return curve


def test_each_group_has_the_mean_that_is_wanted_of_it() -> None:
    rng = np.random.default_rng(0)
    units, group = rng.normal(size=300), rng.integers(0, 3, size=300)
    wanted = [0.2, 0.5, 0.9]
    found = shifts(right, units, group, wanted)
    for number, share in enumerate(wanted):
        mine = units[group == number]
        assert right(mine + found[number]).mean() == pytest.approx(share, abs=1e-5)
        assert shifts(right, mine, np.zeros(len(mine), np.intp), [share])[0] == pytest.approx(found[number], abs=1e-5)


def test_a_mean_that_cannot_be_had_moves_as_far_as_it_goes() -> None:
    found = shifts(right, np.zeros(2), np.array([0, 1]), [0.0, 1.0])
    np.testing.assert_allclose(found, [-10, 10], atol=1e-5)


def test_pairs_of_codes_are_found_in_their_order_and_others_nowhere() -> None:
    known = [(3, 1), (0, 2), (2, 0)]
    asked = np.array([(2, 0), (0, 2), (3, 1), (1, 3), (9, 9), (0, 0)])
    assert places_of(asked, known).tolist() == [2, 1, 0, -1, -1, -1]
