"""Pairs are made true where it is asked for and nowhere else."""

from benchmarks.learning.arms import product_settings
from benchmarks.learning.data import World
from benchmarks.learning.limits import with_true_pairs
from benchmarks.learning.pairs import OfflineBinder


def test_pairs_are_made_true_where_chosen_with_samples_that_came_before(world: World) -> None:
    bindings = OfflineBinder(list(world.train.values()), product_settings(world, 0)).first_round()
    chosen = with_true_pairs(bindings, world.train, world.shared, 0, lambda one: one.round == 0)
    seen: set[str] = set()
    for old, new in zip(bindings, chosen, strict=True):
        assert (old.sample_id, old.round) == (new.sample_id, new.round)
        if old.round:
            assert new == old
            continue
        own = world.train[new.sample_id]
        for partner in new.partners:
            assert partner.sample_id in seen
            assert world.train[partner.sample_id].label == own.label
        seen.add(new.sample_id)
    assert any(one.partners for one in chosen if not one.round)
