"""Samples keep their windows together, whatever order they are put in."""

import numpy as np
import pytest

from benchmarks.slots import START_NS, by_sample, in_slots
from deploy.recordings.recordings import NS_PER_S, Recordings


def test_windows_of_one_source_and_start_are_one_sample(recordings: Recordings) -> None:
    shuffled = [recordings.windows[i] for i in np.random.default_rng(0).permutation(len(recordings.windows))]
    groups = by_sample(shuffled)
    keys = [{(one.source_id, one.start_ns) for one in group} for group in groups]
    assert all(len(key) == 1 for key in keys)
    assert [*keys] == sorted(keys, key=list)
    assert all({one.modality for one in group} == {*recordings.specs} for group in groups)


def test_samples_come_in_the_order_given_at_equal_distances(recordings: Recordings) -> None:
    groups = by_sample(recordings.windows)[::-1]
    moved = in_slots(groups, spacing_s=4.0)
    assert [one.values for one in moved] == [one.values for group in groups for one in group]
    starts = sorted({one.start_ns for one in moved})
    assert len(starts) == len(groups)
    assert {*np.diff(starts).tolist()} == {4 * NS_PER_S}


@pytest.mark.parametrize("spacing_s", [10, 7.0])
def test_each_sample_has_a_slot_of_its_own(recordings: Recordings, spacing_s: float) -> None:
    first = in_slots(by_sample(recordings.windows), spacing_s)[0].start_ns
    assert first % round(spacing_s * NS_PER_S) == 0
    assert 0 <= START_NS - first < spacing_s * NS_PER_S
