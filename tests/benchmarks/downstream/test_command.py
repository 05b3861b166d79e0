"""The command runs what was asked for, keeps what it ran, and writes its figures."""

import json
from pathlib import Path

import pytest

from benchmarks.data_sets import MHEALTH, UTD, WATCH
from benchmarks.downstream import command
from benchmarks.downstream.command import arguments, main
from deploy.recordings.recordings import Recordings


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, recordings: Recordings) -> list[str]:
    """Of which sets recordings were read: a small world stands for each."""
    read: list[str] = []

    def small(name: str) -> Recordings:
        read.append(name)
        return recordings

    monkeypatch.setattr(command, "read_data_set", small)
    command._recordings.cache_clear()
    return read


def test_the_figures_are_written_and_finished_runs_are_kept(asked: list[str], tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    told = ["--sets", WATCH, "--rotations", "2", "--seeds", "1", "--steps", "10", "--jobs", "1", "--json", str(file)]
    main(told)
    found = json.loads(file.read_text())
    assert {"over_plain_features_at_5", "worst_set_over_plain_features_at_5"} <= set(found)
    assert len(found["differences"]) == 2 and len(found["rows"]) == 2
    assert asked == [WATCH]
    command._recordings.cache_clear()
    main(told)
    assert asked == [WATCH], "nothing is run again"
    assert json.loads(file.read_text())["rows"] == found["rows"]


def test_the_short_form_is_one_run_of_two_sets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for file in ("utd_mhad.npz", "mhealth_chestacc_wristgyro.npz", "mex_acc_depth.npz"):
        (tmp_path / file).touch()
    monkeypatch.setenv("MMBIND_TEST_DATA", str(tmp_path))
    short = arguments(["--short"])
    assert (short.sets, short.rotations, short.seeds) == ([WATCH, UTD], 1, 1)
    assert arguments(["--short", "--sets", "mhealth"]).sets == [MHEALTH]
    assert len(arguments([]).sets) == 4 and arguments([]).seeds == 3
