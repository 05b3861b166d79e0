"""Runs of a plan: those that a file holds, and new ones."""

from pathlib import Path

from benchmarks.learning.journal import read_rows
from benchmarks.learning.rows import Run
from benchmarks.learning.run import Plan, run
from deploy.recordings.recordings import Recordings


def test_what_was_run_before_is_not_run_again(recordings: Recordings, tmp_path: Path) -> None:
    plan = Plan((("offline", "untrained"), ("offline", "natural/plain")), n_rotations=1, n_steps=2)
    rows = run(plan, recordings, tmp_path / "rows.jsonl")
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
