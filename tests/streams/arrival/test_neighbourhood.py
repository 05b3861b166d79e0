import numpy as np

from streams.arrival.neighbourhood import NEIGHBOURS, Neighbourhoods


def test_a_row_starts_with_the_mean_of_its_own_nearest() -> None:
    crowd = Neighbourhoods(100)
    own = np.sort(np.random.default_rng(0).uniform(size=(3, 20)).astype(np.float32), axis=1)[:, ::-1]
    crowd.start(40, own)
    np.testing.assert_allclose(crowd.means(np.arange(40, 43)), own[:, :NEIGHBOURS].mean(axis=1), rtol=1e-6)


def test_keeps_the_nearest_of_all_that_came_near() -> None:
    rng = np.random.default_rng(1)
    crowd = Neighbourhoods(8)
    seen: dict[int, list[float]] = {row: [] for row in range(8)}
    crowd.start(0, np.full((8, NEIGHBOURS), -2, np.float32))
    for _ in range(5):
        rows, near = rng.integers(0, 8, 50), rng.uniform(-1, 1, 50).astype(np.float32)
        crowd.touch(rows, near)
        for row, value in zip(rows.tolist(), near.tolist(), strict=True):
            seen[row].append(value)
    by_hand = [np.mean(sorted(values)[-NEIGHBOURS:]) for values in seen.values()]
    np.testing.assert_allclose(crowd.means(np.arange(8)), by_hand, rtol=1e-5)


def test_knows_nothing_of_a_row_that_was_near_to_none() -> None:
    crowd = Neighbourhoods(8)
    crowd.start(0, np.full((1, NEIGHBOURS), -2, np.float32))
    assert np.isnan(crowd.means(np.array([0, -1]))).all()


def test_a_row_in_an_older_ones_place_inherits_nothing() -> None:
    crowd = Neighbourhoods(8)
    crowd.start(0, np.full((1, NEIGHBOURS), 0.9, np.float32))
    crowd.start(8, np.array([[0.1]], np.float32))
    assert crowd.means(np.array([8]))[0] == np.float32(0.1)
