"""The learning benchmark on a small synthetic world: it knows the truth, so its figures can be told to be right."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning.arms import ABLATION, MEANING, PARTS, Task, arms_of, product_settings, without_part
from benchmarks.learning.command import arguments, main, planned
from benchmarks.learning.data import find_recordings, rotated, with_shared
from benchmarks.learning.figure import draw
from benchmarks.learning.limits import with_true_pairs
from benchmarks.learning.pairs import OfflineBinder, bind_as_mmbind, judge_bindings
from benchmarks.learning.pool import each
from benchmarks.learning.rows import Row, read_rows
from benchmarks.learning.run import Plan, Run, run
from benchmarks.learning.score import nearest_centre
from benchmarks.learning.table import ablation_table, summary, table
from benchmarks.learning.training import figures, trained_offline, trained_online
from deploy.recordings.recordings import Recordings, arrange
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


@pytest.mark.parametrize("part", ["", "review"])
def test_offline_every_sample_is_bound_to_other_sources_whenever_they_came(recordings: Recordings, part: str) -> None:
    world = rotated(recordings, 0)
    settings = product_settings(world, 0)
    if part:
        settings = without_part(settings, part)
    bindings = OfflineBinder(list(world.train.values()), settings).first()
    last = {one.sample_id: one for one in bindings}
    assert last.keys() == world.train.keys()
    for binding in last.values():
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


def test_a_shared_modality_may_be_named_at_greater_length(recordings: Recordings) -> None:
    assert with_shared(recordings, "gyroscope-left").shared == "gyroscope"
    with pytest.raises(ValueError, match="label"):
        with_shared(recordings, "sonar")


@pytest.mark.parametrize("arm", sorted({*arms_of("offline", "", "full"), *arms_of("offline", "", "limits")}))
def test_every_arm_gives_figures_offline_after_as_many_steps(recordings: Recordings, arm: str) -> None:
    world = rotated(recordings, 0)
    task = Task(world, arm, product_settings(world, 0), n_steps=4)
    trained = trained_offline(task)
    encoders, pairs = figures(task, trained)
    assert trained.n_steps == (0 if arm == "untrained" else 4)
    assert {"cmap", "r_at_1", "zs", "mrr", "frozen"} <= encoders.keys()
    assert ("precision" in pairs) == arm.startswith(("mmbind", "ours"))


@pytest.mark.parametrize(
    ("order", "others"), [("random", ["mmbind/plain", "ours-true-early/soft"]), ("sources", ["oracle/soft"])]
)
def test_all_arms_take_as_many_steps_online(recordings: Recordings, order: str, others: list[str]) -> None:
    world = rotated(recordings, 0)
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


def test_a_part_that_is_switched_off_changes_nothing_else(recordings: Recordings) -> None:
    world = rotated(recordings, 0)
    product = product_settings(world, 0)
    for part, sections in PARTS.items():
        settings = Task(world, f"ours-no-{part}/soft", product, n_steps=2).settings
        for name in ("binding", "trainer"):
            own, other = getattr(settings, name).model_dump(), getattr(product, name).model_dump()
            changed = {key for key in own if own[key] != other[key]}
            assert changed == sections.get(name, {}).keys()
    assert all(arm.partition("/")[0] in MEANING for arm in ABLATION)


def test_pairs_are_made_true_where_chosen_with_samples_that_came_before(recordings: Recordings) -> None:
    world = rotated(recordings, 0)
    bindings = OfflineBinder(list(world.train.values()), product_settings(world, 0)).first()
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


def test_several_processes_give_what_one_gives(recordings: Recordings, tmp_path: Path) -> None:
    plan = Plan((("offline", "untrained"), ("offline", "natural/plain")), n_rotations=1, n_steps=2)
    done: list[Run] = []
    rows = run(plan, recordings, tmp_path / "two.jsonl", done.append, n_jobs=2)
    assert sorted(done) == sorted(plan.runs)
    alone = run(plan, recordings, tmp_path / "one.jsonl")
    assert [(row.run, row.encoders, row.pairs) for row in rows] == [(row.run, row.encoders, row.pairs) for row in alone]


def test_work_in_this_process_is_done_in_order() -> None:
    assert list(each(str, [3, 1, 2], 1)) == [(3, "3"), (1, "1"), (2, "2")]


def _row(arm: str, rotation: int, cmap: float, mode: str = "offline", **pairs: float) -> Row:
    figures = dict.fromkeys(("cmap", "r_at_1", "zs", "mrr", "frozen", "chance_cmap"), cmap)
    pairs = {"precision": 0.8, **pairs} if arm.startswith("ours") else {}
    return Row(mode=mode, arm=arm, rotation=rotation, seed=0, fingerprint="", encoders=figures, pairs=pairs, n_steps=9)


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
    assert offline["steps"] == [9]
    assert offline["arms"]["mmbind/plain"]["gap_closed"]["mean"] == pytest.approx(0.25)
    assert online["gap_closed"]["mean"] == pytest.approx(0.5)
    assert np.isnan(online["gap_closed_online_controls"]["mean"])
    assert table(offline, "").row_count == ablation_table({"offline": offline, "online": online}, "").row_count == 5
    draw({"offline": offline}, ["offline"], tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 0
    json.dumps(offline)


def test_random_pairs_above_natural_edges_are_named() -> None:
    rows = [_row("natural/soft", rotation, 0.3) for rotation in (0, 1)]
    rows += [_row("random/soft", 0, 0.2), _row("random/soft", 1, 0.32)]
    (found,) = summary(rows, "offline")["random_above_natural"]["soft"]
    assert (found["rotation"], found["seed"]) == (1, 0)
    assert found["points"] == pytest.approx(2)
    assert summary(rows[:3], "offline")["random_above_natural"] == {"soft": []}


def test_the_estimate_is_compared_with_the_truth_of_the_same_pairs() -> None:
    rows = [_row("ours/soft", 0, 0.3, predicted=0.7), _row("ours/soft", 1, 0.3, predicted=0.7, predicted_of=0.72)]
    rows.append(_row("ours/soft", 2, 0.3))
    found = summary(rows, "offline")["estimate"]
    assert [one["rotation"] for one in found] == [0, 1, 2]
    assert [one["points_off"] for one in found[:2]] == pytest.approx([-10, -2])
    assert found[2]["n"] == 0


def test_online_figures_end_at_offline_arms() -> None:
    arms = planned("online", "short")
    assert ("offline", "oracle/soft") in arms and ("online", "ours/soft") in arms
    assert all(mode != "online-sources" for mode, _ in arms)
    assert planned("both", "full", only=("ours/soft",)) == tuple(
        (mode, "ours/soft") for mode in ("offline", "online", "online-sources")
    )
    assert len(planned("both", "ablation")) == 2 * len(ABLATION)


def test_the_file_holds_both_modes_their_figures_and_all_rows(
    recordings: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.learning.command.find_recordings", lambda data: recordings)
    file, figure = tmp_path / "found.json", tmp_path / "found.png"
    only = "natural/plain,natural/soft,mmbind/plain,ours/soft,oracle/soft"
    given = f"--rotations 1 --steps 2 --jobs 1 --arms {only} --json {file} --figure {figure}"
    main(given.split())
    document, shown = json.loads(file.read_text()), capsys.readouterr().out
    for mode in ("offline", "online"):
        for name in ("gap_closed", "gap_closed_same_loss", "pair_precision", "margin_over_mmbind"):
            assert {"mean", "sd"} <= document[mode][name].keys()
            assert document[mode][name]["n"] == 1
        assert len(document[mode]["steps"]) == 1
        assert f"synthetic, acceleration shared, {mode}" in shown
    assert {row["arm"] for row in document["rows"]} == set(only.split(","))
    assert figure.stat().st_size > 0


def test_without_data_it_says_what_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MMBIND_TEST_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="MMBIND_TEST_DATA"):
        find_recordings(arguments([]).data)
