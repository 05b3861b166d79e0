"""Every arm is trained with as many steps as the others, offline and online."""

import pytest

from benchmarks.learning.arms import Task, arms_of, product_settings
from benchmarks.learning.data import World, rotated, with_shared
from benchmarks.learning.training import figures, trained_offline, trained_online
from deploy.recordings.recordings import Recordings


@pytest.mark.parametrize("shared", ["gyroscope", "label"])
def test_another_modality_or_the_label_binds_as_well(recordings: Recordings, shared: str) -> None:
    world = rotated(with_shared(recordings, shared), 0)
    assert world.shared == shared
    assert len({world.first, world.second, shared}) == 3
    for order in ("offline", "random"):
        task = Task(world, "ours/soft", product_settings(world, 0), n_steps=4, n_cycles=2)
        trained = trained_offline(task) if order == "offline" else trained_online(task, order)
        encoders, pairs = figures(task, trained)
        assert encoders["cmap"] > 0
        assert pairs["precision"] > (0.95 if shared == "label" else 0.5)


@pytest.mark.parametrize("arm", sorted({*arms_of("offline", "", "full"), *arms_of("offline", "", "limits")}))
def test_every_arm_gives_figures_offline_after_as_many_steps(world: World, arm: str) -> None:
    task = Task(world, arm, product_settings(world, 0), n_steps=4)
    trained = trained_offline(task)
    encoders, pairs = figures(task, trained)
    assert trained.n_steps == (0 if arm == "untrained" else 4)
    assert {"cmap", "r_at_1", "zs", "mrr", "frozen"} <= encoders.keys()
    assert ("precision" in pairs) == arm.startswith(("mmbind", "ours"))


@pytest.mark.parametrize(
    ("order", "others"), [("random", ["mmbind/plain", "ours-true-early/soft"]), ("sources", ["oracle/soft"])]
)
def test_all_arms_take_as_many_steps_online(world: World, order: str, others: list[str]) -> None:
    n_steps = set()
    for arm in ("ours/soft", *others):
        task = Task(world, arm, product_settings(world, 0), n_steps=12, n_cycles=2)
        trained = trained_online(task, order)
        encoders, pairs = figures(task, trained)
        n_steps.add(trained.n_steps)
        assert encoders["cmap"] > 0
        if arm == "ours/soft":
            assert pairs["published"] == 2
            assert 0 < pairs["covered"] <= 1
    assert len(n_steps) == 1
    assert n_steps.pop() == pytest.approx(12, abs=1)
