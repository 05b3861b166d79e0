import numpy as np

from streams.similarity.standard_units import largest, standardised

LIKENESS = np.random.default_rng(0).normal(3, 7, size=(20, 20)).astype(np.float32)
AMONG = np.random.default_rng(1).random((20, 20)) < 0.3


def test_chance_has_mean_0_and_spread_1_in_standard_units() -> None:
    units = standardised(LIKENESS, AMONG)[AMONG]
    np.testing.assert_allclose([units.mean(), units.std()], [0, 1], atol=1e-5)


def test_a_measures_unit_and_zero_do_not_matter_nor_do_pairs_that_are_no_chance() -> None:
    units = standardised(LIKENESS, AMONG)
    np.testing.assert_allclose(standardised(5 * LIKENESS - 2, AMONG), units, atol=1e-4)
    stranger = np.where(AMONG, LIKENESS, np.float32(100))
    np.testing.assert_allclose(standardised(stranger, AMONG)[AMONG], units[AMONG], atol=1e-5)


def test_chance_is_told_by_some_of_many_rows_wherever_they_are() -> None:
    rng = np.random.default_rng(2)
    likeness = (rng.normal(size=(900, 900)) + 0.3 * rng.normal(size=(900, 1))).astype(np.float32)
    among = np.zeros(likeness.shape, bool)
    among[1::3, ::2] = True
    units = standardised(likeness, among)[among]
    np.testing.assert_allclose([units.mean(), units.std()], [0, 1], atol=0.02)
    among[:] = False
    among[1] = True
    np.testing.assert_allclose(standardised(likeness, among)[1].std(), 1, atol=1e-5)


def test_what_does_not_vary_says_nothing() -> None:
    assert not standardised(np.ones((3, 3), np.float32), np.ones((3, 3), bool)).any()
    assert not standardised(LIKENESS, np.zeros((20, 20), bool)).any()


def test_the_largest_are_those_that_sorting_finds() -> None:
    places, values = largest(LIKENESS, 4)
    np.testing.assert_array_equal(places, np.argsort(-LIKENESS, axis=1)[:, :4])
    np.testing.assert_array_equal(values, -np.sort(-LIKENESS, axis=1)[:, :4])
    assert largest(LIKENESS[:, :2], 3)[1][:, 2].tolist() == [-np.inf] * 20
