import numpy as np
import pytest

from encoders.modality import ModalitySpec
from streams.settings import DescriptorKind
from streams.similarity.descriptor import AnyDescriptor, descriptor_of, moves

KINDS: tuple[DescriptorKind, ...] = ("oriented", "rotation-tolerant", "both")


def descriptor(n_channels: int = 3, n_steps: int = 200, kind: DescriptorKind = "oriented") -> AnyDescriptor:
    return descriptor_of(ModalitySpec(name="m", n_channels=n_channels, n_steps=n_steps, rate_hz=50.0), kind)


def waves(n: int, n_channels: int = 3, n_steps: int = 200, seed: int = 0) -> np.ndarray:
    """Windows of whole periods, so that rolling one is the same motion at another moment."""
    rng = np.random.default_rng(seed)
    periods = rng.integers(2, 12, (n, 1, n_channels, 3))
    size, phase = rng.gamma(2, 1, periods.shape), rng.uniform(0, 2 * np.pi, periods.shape)
    angle = 2 * np.pi * periods * np.arange(n_steps)[None, :, None, None] / n_steps
    values: np.ndarray = (size * np.sin(angle + phase)).sum(axis=3).astype(np.float32)
    return values


def test_a_motion_at_another_moment_is_nearly_always_nearest_to_itself() -> None:
    windows = waves(200)
    describe = descriptor()
    similarity = describe(windows) @ describe(np.roll(windows, 37, axis=1)).T
    assert np.mean(similarity.argmax(axis=1) == np.arange(200)) > 0.9
    assert np.median(np.diag(similarity)) > 0.9


def test_units_and_zero_points_cancel() -> None:
    windows = waves(10)
    moved = windows * np.float32(9.81) + np.array([1, -2, 3], np.float32)
    np.testing.assert_allclose(descriptor()(moved), descriptor()(windows), atol=1e-4)


def test_a_channel_that_runs_the_other_way_is_another_motion() -> None:
    windows = waves(1)
    mirrored = windows * np.array([1, 1, -1], np.float32)
    assert (descriptor()(windows) * descriptor()(mirrored)).sum() < 0.9


@pytest.mark.parametrize(("n_channels", "n_steps"), [(1, 8), (1, 200), (3, 250), (6, 120), (60, 60), (192, 5), (3, 1)])
def test_every_shape_gives_unit_rows(n_channels: int, n_steps: int) -> None:
    describe = descriptor(n_channels, n_steps)
    windows = np.random.default_rng(0).normal(size=(5, n_steps, n_channels)).astype(np.float32)
    rows = describe(windows)
    assert rows.shape == (5, describe.dim) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert describe.dim <= 128


@pytest.mark.parametrize(
    ("n_channels", "kind"), [(3, "oriented"), (20, "oriented"), (3, "rotation-tolerant"), (3, "both")]
)
def test_a_rows_bits_do_not_depend_on_its_company(n_channels: int, kind: DescriptorKind) -> None:
    windows = waves(150, n_channels)
    describe = descriptor(n_channels, kind=kind)
    whole = describe(windows)
    one_by_one = np.concatenate([describe(windows[i : i + 1]) for i in range(150)])
    assert np.array_equal(whole, one_by_one)
    assert np.array_equal(whole[5:], describe(windows[5:]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_that_stands_still_does_not_move_and_becomes_zeros(kind: DescriptorKind) -> None:
    still = np.full((1, 200, 3), 9.81, np.float32)
    assert not moves(still)[0]
    assert not descriptor(kind=kind)(np.zeros_like(still)).any()
    assert moves(waves(3)).all()


@pytest.mark.parametrize("gravity", [0.0, 10.0])
def test_a_rotated_sensor_describes_the_same_motion_where_that_is_wanted(gravity: float) -> None:
    windows = waves(100) * np.array([3, 2, 1], np.float32) + np.array([0, 0, gravity], np.float32)
    windows += np.float32(0.1) * windows**2
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    rotation *= np.linalg.det(rotation)
    rotated = (windows @ rotation).astype(np.float32)
    cosines = {}
    for kind in KINDS:
        describe = descriptor(kind=kind)
        cosines[kind] = (describe(windows) * describe(rotated)).sum(axis=1)
    assert np.median(cosines["rotation-tolerant"]) > 0.9999
    assert np.median(cosines["oriented"]) < 0.6 < np.median(cosines["both"]) < 0.95


def test_what_tolerates_rotation_still_tells_a_mirrored_motion_and_cancels_units() -> None:
    windows = waves(20) ** 2
    describe = descriptor(kind="rotation-tolerant")
    mirrored = windows * np.array([1, 1, -1], np.float32)
    assert np.median((describe(windows) * describe(mirrored)).sum(axis=1)) < 0.999
    np.testing.assert_allclose(describe(windows * np.float32(9.81)), describe(windows), atol=1e-3)


def test_what_tolerates_rotation_knows_a_motion_along_gravity_from_one_across_it() -> None:
    windows = waves(20) * np.array([3, 2, 1], np.float32)
    describe = descriptor(kind="rotation-tolerant")
    along, across = (describe(windows + np.array(up, np.float32)) for up in ([30, 0, 0], [0, 0, 30]))
    assert np.median((along * across).sum(axis=1)) < 0.95


def test_rotation_is_tolerated_in_three_axes_only() -> None:
    for n_channels, n_steps in ((6, 200), (3, 5)):
        with pytest.raises(ValueError, match="wants 3 and 8 or more"):
            descriptor(n_channels, n_steps, "rotation-tolerant")


def test_refuses_windows_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"wanted \(N, 200, 3\)"):
        descriptor()(np.zeros((2, 100, 3), np.float32))
