"""Who has what in a rotation, and the streams made of it."""

from itertools import pairwise

import pytest

from benchmarks.learning.data import rotated, with_shared
from deploy.recordings.recordings import Recordings


def test_the_two_other_modalities_never_meet_and_the_tested_never_train(recordings: Recordings) -> None:
    for rotation in range(4):
        world = rotated(recordings, rotation)
        assert {frozenset(one.windows) for one in world.train.values()} == {
            frozenset({world.shared, world.first}),
            frozenset({world.shared, world.second}),
        }
        tested = {one.source_id for one in (*world.test, *world.labelled)}
        assert not tested & {one.source_id for one in world.train.values()}
        assert all(set(one.windows) == {world.first, world.second} for one in (*world.test, *world.labelled))
    assert len({rotated(recordings, rotation).test[0].source_id for rotation in range(4)}) == 4


def test_a_stream_hides_what_the_roles_lack_and_orders_of_one_seed_are_alike(recordings: Recordings) -> None:
    world = rotated(recordings, 1)
    streams = [world.stream(order, 3) for order in ("random", "random", "sources")]
    seen = [[(one.source_id, one.modality, one.start_ns) for one in stream.visible] for stream in streams]
    assert seen[0] == seen[1] != seen[2]
    assert {one.source_id for one in streams[0].visible} == {source for role in world.roles[:3] for source in role}
    sources = [one.source_id for one in streams[2].visible]
    assert len({*sources}) == 1 + sum(one != next_one for one, next_one in pairwise(sources))


def test_a_shared_modality_may_be_named_at_greater_length(recordings: Recordings) -> None:
    assert with_shared(recordings, "gyroscope-left").shared == "gyroscope"
    with pytest.raises(ValueError, match="label"):
        with_shared(recordings, "sonar")
