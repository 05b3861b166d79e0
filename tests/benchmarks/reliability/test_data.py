"""What is done to the sensors of a stream, and to its order."""

import numpy as np
import pytest

from benchmarks.reliability.data import hop_of, shuffled, with_noise, with_rotations
from deploy.recordings.recordings import NS_PER_S, Recordings


def test_noise_takes_the_place_of_the_sensor_that_binds_and_of_no_other(recordings: Recordings) -> None:
    noisy = with_noise(recordings, 0)
    for old, new in zip(recordings.windows, noisy.windows, strict=True):
        assert (new.values is old.values) == (old.modality != recordings.shared)
        assert new.values.shape == old.values.shape and new.values.dtype == np.float32


def test_witnesses_can_be_made_noise_instead(recordings: Recordings) -> None:
    noisy = with_noise(recordings, 0, {"gravity"})
    changed = {new.modality for old, new in zip(recordings.windows, noisy.windows, strict=True) if new is not old}
    assert changed == {"gravity"}


def test_each_source_has_one_rotation_that_keeps_lengths(recordings: Recordings) -> None:
    rotated = with_rotations(recordings, 0)
    rotations: dict[str, np.ndarray] = {}
    for old, new in zip(recordings.windows, rotated.windows, strict=True):
        if old.modality != recordings.shared:
            assert new is old
            continue
        found = np.linalg.lstsq(old.values, new.values, rcond=None)[0]
        np.testing.assert_allclose(found, rotations.setdefault(old.source_id, found), atol=1e-4)
        np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-4)
    assert len(rotations) == len(recordings.sources)


def test_in_random_order_there_is_one_sample_at_a_time(recordings: Recordings) -> None:
    mixed = shuffled(recordings, 0)
    n_samples = len(recordings.windows) // len(recordings.specs)
    assert len({one.start_ns for one in mixed.windows}) == n_samples
    assert hop_of(mixed) == pytest.approx(hop_of(recordings)) == 5.0
    assert mixed.windows[-1].start_ns == (n_samples - 1) * 5 * NS_PER_S
    sources = [one.source_id for one in mixed.windows[:: len(recordings.specs)]]
    assert sources != sorted(sources)
