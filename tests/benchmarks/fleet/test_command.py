"""The command line of the fleet benchmark."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from benchmarks.command_line import write_json
from benchmarks.fleet.command import arguments
from benchmarks.fleet.disorders import DISORDERS
from benchmarks.fleet.figures import Figures
from benchmarks.spread import spread


def test_without_words_all_disorders_are_done() -> None:
    assert arguments(["--sets", "watch"]).disorders == list(DISORDERS)


def test_an_unknown_disorder_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--disorders", "earthquake"])
    assert "earthquake: wanted some of undisturbed" in capsys.readouterr().err


def test_figures_become_json_by_their_names(tmp_path: Path) -> None:
    shown = {field.name: spread([1.0, 3.0]) for field in fields(Figures)}
    figures = Figures(**shown | {"from_oriented": spread([])})
    write_json({"sets": {"watch": {"auto": {"noise": figures}}}}, tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_text())["sets"]["watch"]["auto"]["noise"]
    assert found["difference"]["mean"] == 2
    assert found["from_oriented"]["mean"] is None
