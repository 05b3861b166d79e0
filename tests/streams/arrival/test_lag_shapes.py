import numpy as np
import pytest

from encoders.modality import ModalitySpec
from streams.arrival.lag_shapes import LagShapes, lag_shapes_of
from streams.settings import DescriptorKind
from streams.similarity.lag import COARSE_CHANNELS, COARSE_STEPS, LAG_SHARE, coarse

N_ROWS = 100


def spec(n_steps: int = 128, n_channels: int = 3) -> ModalitySpec:
    return ModalitySpec(name="acceleration", n_channels=n_channels, n_steps=n_steps, rate_hz=50.0)


def windows(of: ModalitySpec, n: int = N_ROWS) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, of.n_steps, of.n_channels)).cumsum(axis=1).astype(np.float32)


def filled(of: ModalitySpec, values: np.ndarray) -> LagShapes:
    shapes = LagShapes(of, 2 * N_ROWS)
    shapes.write(0, values)
    return shapes


def test_likeness_is_the_largest_cosine_over_the_lags() -> None:
    values = windows(spec())
    small = coarse(values).astype(np.float64)
    small /= np.linalg.norm(small, axis=(1, 2), keepdims=True)
    n_steps = small.shape[1]
    furthest = int(LAG_SHARE * n_steps)
    found = filled(spec(), values).likeness(np.array([7, 8]), np.array([[1, 2, 3], [4, 5, 6]]))
    for query, others, row in zip((7, 8), ((1, 2, 3), (4, 5, 6)), found, strict=True):
        for other, likeness in zip(others, row, strict=True):
            later = [np.sum(small[query, lag:] * small[other, : n_steps - lag]) for lag in range(furthest + 1)]
            earlier = [np.sum(small[other, lag:] * small[query, : n_steps - lag]) for lag in range(furthest + 1)]
            assert likeness == pytest.approx(max(later + earlier), abs=1e-5)


def test_a_window_cut_later_is_still_alike() -> None:
    walk = np.random.default_rng(1).normal(size=(400, 3)).cumsum(axis=0)
    moving = walk - np.stack([np.convolve(walk[:, i], np.ones(60) / 60, "same") for i in range(3)], axis=1)
    values = np.stack([moving[100:228], moving[120:248], moving[250:378]]).astype(np.float32)
    same, other = filled(spec(), values).likeness(np.array([0]), np.array([[1, 2]]))[0]
    assert same > 0.7 > other + 0.2


@pytest.mark.parametrize("n_channels", [1, 3, 20])
def test_a_rows_bits_do_not_depend_on_its_company(n_channels: int) -> None:
    of = spec(n_steps=90, n_channels=n_channels)
    values = windows(of)
    whole, single = filled(of, values), LagShapes(of, 2 * N_ROWS)
    for row in range(N_ROWS):
        single.write(row, values[row : row + 1])
    queries = np.arange(N_ROWS)
    rows = np.random.default_rng(2).integers(0, N_ROWS, (N_ROWS, 16))
    found = whole.likeness(queries, rows)
    alone = [single.likeness(queries[i : i + 1], rows[i : i + 1]) for i in range(N_ROWS)]
    assert np.array_equal(found, np.concatenate(alone))


def test_a_sensor_rotated_any_way_gives_the_same_where_that_is_tolerated() -> None:
    values = windows(spec(), 40)
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0].astype(np.float32)
    rotation *= np.sign(np.linalg.det(rotation))
    values = np.concatenate([values, values @ rotation.T])
    queries, rows = np.arange(40), np.arange(40, 80)[:, None]
    oriented, tolerant = (LagShapes(spec(), 2 * N_ROWS, is_rotation_tolerant=one) for one in (False, True))
    for shapes in (oriented, tolerant):
        shapes.write(0, values)
    assert np.median(oriented.likeness(queries, rows)) < 0.8
    assert np.median(tolerant.likeness(queries, rows)) > 0.99


def test_shapes_suit_the_descriptor_and_too_few_steps_have_none() -> None:
    kinds: tuple[DescriptorKind, ...] = ("oriented", "rotation-tolerant", "both")
    assert [len(lag_shapes_of(spec(), N_ROWS, kind)) for kind in kinds] == [1, 1, 2]
    assert lag_shapes_of(spec(n_steps=7), N_ROWS, "oriented") == []


def test_many_channels_become_few_and_memory_stays_small() -> None:
    assert coarse(windows(spec(n_channels=60), 2)).shape == (2, COARSE_STEPS, COARSE_CHANNELS)


def test_a_window_of_zeros_is_like_nothing() -> None:
    values = windows(spec(), 3)
    values[1] = 0
    assert filled(spec(), values).likeness(np.array([0]), np.array([[1]])).tolist() == [[0.0]]
