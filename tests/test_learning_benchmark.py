"""The learning benchmark on a small synthetic world: it knows the truth, so its figures can be told to be right."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import Plan, arguments, planned, run
from benchmarks.learning_arms import Task, product_settings, run_offline, run_online
from benchmarks.learning_data import find_recordings, rotated
from benchmarks.learning_pairs import bind_all, bind_as_mmbind, judge_bindings
from benchmarks.learning_score import nearest_centre
from benchmarks.learning_table import Row, draw, read_rows, summary, table
from deploy.recordings import Recordings, arrange
from streams.testing import SyntheticWorld

N_SLOTS = 12


@pytest.fixture(scope="module")
def recordings() -> Recordings:
    world = SyntheticWorld(8, 3, n_complete=8)
    return arrange("synthetic", world.specs.values(), world.windows(N_SLOTS), world.shared)


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


def test_offline_every_sample_is_bound_to_other_sources_whenever_they_came(recordings: Recordings) -> None:
    world = rotated(recordings, 0)
    settings = product_settings(world, 0)
    samples = list(world.train.values())
    bindings = bind_all(samples, settings.specs[world.shared], settings.binding)
    assert [one.sample_id for one in bindings] == list(world.train)
    for binding in bindings:
        own = world.train[binding.sample_id].source_id
        assert binding.partners
        assert own not in {world.train[one.sample_id].source_id for one in binding.partners}
    assert judge_bindings(bindings, world.train, world.shared)["precision"] > 0.8


def test_mmbind_takes_the_one_most_similar_of_the_other_side(recordings: Recordings) -> None:
    world = rotated(recordings, 0)
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


def test_online_mmbind_looks_back_only(recordings: Recordings) -> None:
    samples = list(rotated(recordings, 0).train.values())
    place = {one.sample_id: i for i, one in enumerate(samples)}
    for binding in bind_as_mmbind(samples, "acceleration", is_online=True):
        assert all(place[one.sample_id] < place[binding.sample_id] for one in binding.partners)


def test_the_nearest_centre_of_well_separated_classes_is_right() -> None:
    rows = np.eye(4, dtype=np.float32)[[0, 0, 1, 2, 3]]
    labels = np.array(["a", "a", "b", "c", "d"])
    assert nearest_centre(rows, labels, rows, labels) == 1.0
    assert nearest_centre(rows, labels, rows, np.roll(labels, 2)) < 1.0


@pytest.mark.parametrize("arm", ["untrained", "mmbind/plain", "ours/soft", "complete/soft"])
def test_every_kind_of_arm_gives_figures_offline(recordings: Recordings, arm: str) -> None:
    world = rotated(recordings, 0)
    found = run_offline(Task(world, arm, product_settings(world, 0), n_steps=4))
    assert {"cmap", "r_at_1", "zs", "mrr", "frozen"} <= found["encoders"].keys()
    assert ("precision" in found["pairs"]) == (arm in ("mmbind/plain", "ours/soft"))


@pytest.mark.parametrize("order", ["random", "sources"])
def test_online_the_whole_loop_sees_each_training_sample_once(recordings: Recordings, order: str) -> None:
    world = rotated(recordings, 0)
    found = run_online(Task(world, "ours/soft", product_settings(world, 0), n_steps=8, n_cycles=4), order)
    assert found["pairs"]["published"] == 4
    assert 0 < found["pairs"]["covered"] <= 1
    assert found["encoders"]["cmap"] > 0


def test_what_was_run_before_is_not_run_again(recordings: Recordings, tmp_path: Path) -> None:
    plan = Plan((("offline", "untrained"), ("offline", "natural/plain")), n_rotations=1, n_steps=2)
    rows = run(plan, recordings, tmp_path / "rows.jsonl")
    with (tmp_path / "rows.jsonl").open("ab") as lines:
        lines.write(b'{"mode": "offline", "arm": "cut o')
    again = run(plan, recordings, tmp_path / "rows.jsonl")
    assert again == rows == read_rows(tmp_path / "rows.jsonl")
    more = run(Plan(plan.arms, n_rotations=1, n_steps=3), recordings, tmp_path / "rows.jsonl")
    assert {row.fingerprint for row in more}.isdisjoint({row.fingerprint for row in rows})


def test_runs_of_other_code_are_taken_only_if_asked_for(recordings: Recordings, tmp_path: Path) -> None:
    arms, file = (("offline", "untrained"),), tmp_path / "rows.jsonl"
    (row,) = run(Plan(arms, n_rotations=1, n_steps=2, code="old"), recordings, file)
    assert run(Plan(arms, n_rotations=1, n_steps=2, code="new", is_any_code=True), recordings, file) == [row]
    assert run(Plan(arms, n_rotations=1, n_steps=2, code="new"), recordings, file) != [row]


def _row(arm: str, rotation: int, cmap: float, mode: str = "offline") -> Row:
    figures = dict.fromkeys(("cmap", "r_at_1", "zs", "mrr", "frozen", "chance_cmap"), cmap)
    pairs = {"precision": 0.8} if arm.startswith("ours") else {}
    return Row(mode=mode, arm=arm, rotation=rotation, seed=0, fingerprint="", encoders=figures, pairs=pairs)


def test_the_gap_is_closed_by_the_share_of_the_way_from_floor_to_ceiling(tmp_path: Path) -> None:
    cmaps = {"natural/plain": 0.2, "natural/soft": 0.3, "mmbind/plain": 0.25, "ours/soft": 0.35, "oracle/soft": 0.4}
    rows = [_row(arm, rotation, cmap + rotation / 100) for rotation in (0, 1) for arm, cmap in cmaps.items()]
    rows += [_row("ours/soft", rotation, 0.3 + rotation / 100, "online") for rotation in (0, 1)]
    offline, online = summary(rows, "offline"), summary(rows, "online")
    assert offline["gap_closed"]["mean"] == pytest.approx(0.75)
    assert offline["gap_closed"]["sd"] == pytest.approx(0, abs=1e-9)
    assert offline["gap_closed_same_loss"]["mean"] == pytest.approx(0.5)
    assert offline["margin_over_mmbind"]["mean"] == pytest.approx(10)
    assert offline["pair_precision"]["mean"] == pytest.approx(0.8)
    assert online["gap_closed"]["mean"] == pytest.approx(0.5)
    assert np.isnan(online["gap_closed_online_controls"]["mean"])
    assert table(offline, "").row_count == len(cmaps)
    draw({"offline": offline}, ["offline"], tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 0
    json.dumps(offline)


def test_online_figures_end_at_offline_arms() -> None:
    arms = planned("online", is_short=True)
    assert ("offline", "oracle/soft") in arms and ("online", "ours/soft") in arms
    assert all(mode != "online-sources" for mode, _ in arms)
    assert planned("both", is_short=False, only=("ours/soft",)) == tuple(
        (mode, "ours/soft") for mode in ("offline", "online", "online-sources")
    )


def test_without_data_it_says_what_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MMBIND_TEST_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="MMBIND_TEST_DATA"):
        find_recordings(arguments([]).data)
