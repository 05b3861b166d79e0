"""Pairs by the product with everything at hand, and by the rule of MMBind."""

import numpy as np
import pytest

from benchmarks.learning.arms import product_settings, without_part
from benchmarks.learning.data import World
from benchmarks.learning.pairs import OfflineBinder, bind_as_mmbind, judge_bindings


@pytest.mark.parametrize("part", ["", "review"])
def test_offline_every_sample_is_bound_to_other_sources_whenever_they_came(world: World, part: str) -> None:
    settings = product_settings(world, 0)
    if part:
        settings = without_part(settings, part)
    bindings = OfflineBinder(list(world.train.values()), settings).first_round()
    last = {one.sample_id: one for one in bindings}
    assert last.keys() == world.train.keys()
    for binding in last.values():
        own = world.train[binding.sample_id].source_id
        assert binding.partners
        assert own not in {world.train[one.sample_id].source_id for one in binding.partners}
    assert judge_bindings(bindings, world.train, world.shared)["precision"] > 0.8


def test_mmbind_takes_the_one_most_similar_of_the_other_side(world: World) -> None:
    samples = list(world.train.values())
    first, second = samples[0], next(one for one in samples if world.second in one.windows)
    bindings = {one.sample_id: one for one in bind_as_mmbind(samples, world.shared)}
    rows = {one.sample_id: one.windows[world.shared].ravel() for one in samples}
    cosines = {
        one.sample_id: float(
            rows[first.sample_id]
            @ rows[one.sample_id]
            / np.linalg.norm(rows[first.sample_id])
            / np.linalg.norm(rows[one.sample_id])
        )
        for one in samples
        if world.second in one.windows
    }
    best = max(cosines, key=lambda name: cosines[name])
    assert second.sample_id in cosines
    (partner,) = bindings[first.sample_id].partners
    assert partner.sample_id == best
    assert partner.similarity == pytest.approx(max(0.0, np.log(cosines[best]) / 2 + 1))


def test_online_mmbind_looks_back_only(world: World) -> None:
    samples = list(world.train.values())
    place = {one.sample_id: i for i, one in enumerate(samples)}
    for binding in bind_as_mmbind(samples, "acceleration", is_online=True):
        assert all(place[one.sample_id] < place[binding.sample_id] for one in binding.partners)
