"""The streams before anything is done to them."""

from benchmarks.fleet.data import MAX_SAMPLES, in_random_order, read_pair
from deploy.recordings.recordings import Recordings, arrange
from deploy.recordings.watch import GYROSCOPE, SHARED
from streams.testing import SyntheticWorld


def test_a_pair_is_what_binds_and_one_more_of_everybody() -> None:
    watch = read_pair("watch")
    assert (watch.shared, list(watch.specs)) == (SHARED, [SHARED, GYROSCOPE])
    assert not watch.hidden and not watch.held_out


def test_each_seed_has_an_order_of_its_own_with_all_samples(fleet: Recordings) -> None:
    orders = [[(one.source_id, one.modality) for one in in_random_order(fleet, seed)] for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted((one.source_id, one.modality) for one in fleet.windows)


def test_of_a_larger_set_so_many_samples_are_drawn() -> None:
    world = SyntheticWorld(20, 3, specs=list(SyntheticWorld().specs.values())[:1])
    large = arrange("synthetic", world.specs.values(), world.windows(MAX_SAMPLES // 20 + 1), world.shared)
    assert len(large.windows) > MAX_SAMPLES == len(in_random_order(large, 0))
