"""What all benchmarks are told and how: sets that are there, names that are known, figures as JSON."""

import argparse
import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from benchmarks.command_line import add_sets, add_utd, parser_of, some_of, write_json
from benchmarks.data_sets import FILES, HUGADB, MHEALTH, UNSEEN, UTD, WATCH
from benchmarks.spread import spread

COMMANDS = (
    "bridges",
    "fingerprint",
    "onnx",
    "speed.core",
    "speed.embedder",
    "speed.growth",
    "speed.latency",
    "speed.parts",
    "speed.rebuild",
    "speed.start",
    "speed.two_workers",
    "speed.worker",
    "learning.command",
    "learning.finetune",
    "downstream.command",
    "fleet.command",
    "labels.command",
    "late.command",
    "reliability.command",
    "rollout.command",
    "rollout.seconds",
    "soak.command",
    "reliability.course",
    "trainer.command",
)


def sets_of(given: list[str]) -> list[str]:
    parser = parser_of("")
    add_sets(parser, (WATCH, UTD, MHEALTH), UNSEEN)
    sets: list[str] = parser.parse_args(given).sets
    return sets


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where data sets would lie; it holds MHEALTH."""
    monkeypatch.setenv("MMBIND_TEST_DATA", str(tmp_path))
    (tmp_path / FILES[MHEALTH]).touch()
    return tmp_path


def test_names_are_joined_by_commas_or_semicolons_and_none_means_all() -> None:
    assert some_of(("a", "b c", "d"))("b c; a") == ["b c", "a"]
    assert some_of(("a", "b c", "d"))("") == ["a", "b c", "d"]


def test_an_unknown_name_is_told_with_those_that_are_known() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"^earthquake: wanted some of noise, drift$"):
        some_of(("noise", "drift"))("noise,earthquake")


def test_without_sets_all_that_are_there_are_taken_and_the_others_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sets_of([]) == [WATCH, MHEALTH]
    assert capsys.readouterr().err.endswith("UTD-MHAD\n")


def test_a_set_that_is_asked_for_must_be_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sets_of(["--sets", "mhealth"]) == [MHEALTH]
    with pytest.raises(SystemExit):
        sets_of(["--sets", "watch,utd"])
    assert "no UTD-MHAD: wanted utd_mhad.npz" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["", " , "])
def test_a_set_on_which_nothing_was_tuned_is_taken_only_by_its_name(folder: Path, given: str) -> None:
    (folder / FILES[HUGADB]).touch()
    assert sets_of(["--sets", given]) == [WATCH, MHEALTH]
    assert sets_of(["--sets", "hugadb,watch"]) == [HUGADB, WATCH]


def test_one_that_is_taken_only_by_its_name_must_be_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sets_of([]) == [WATCH, MHEALTH]
    assert "HuGaDB" not in capsys.readouterr().err
    with pytest.raises(SystemExit):
        sets_of(["--sets", "hugadb"])
    assert "no HuGaDB: wanted hugadb.npz" in capsys.readouterr().err


def test_a_given_file_stands_for_utd_mhad_which_else_must_be_there(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = parser_of("")
    add_utd(parser)
    assert parser.parse_args(["--data", "mine.npz"]).data == Path("mine.npz")
    with pytest.raises(SystemExit):
        parser.parse_args([])
    assert "MMBIND_TEST_DATA" in capsys.readouterr().err
    (folder / FILES[UTD]).touch()
    assert parser.parse_args([]).data == folder / FILES[UTD]


def test_json_holds_numbers_of_all_kinds_and_null_for_none(tmp_path: Path) -> None:
    file = tmp_path / "not yet there" / "found.json"
    write_json({"spread": spread([2.0]), "numpy": np.float32(0.5)}, file)
    assert json.loads(file.read_text()) == {
        "spread": {"mean": 2.0, "sd": None, "n": 1, "values": [2.0]},
        "numpy": 0.5,
    }


def test_json_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="object"):
        write_json([object()], tmp_path / "found.json")


@pytest.mark.parametrize("module", COMMANDS)
def test_every_command_says_what_it_answers_and_where_its_figures_go(
    module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        import_module(f"benchmarks.{module}").arguments(["--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"python -m benchmarks.{module.removesuffix('.command')} " in shown and "--json JSON" in shown
