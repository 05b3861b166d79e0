"""The command line of the late-modality benchmark."""

import json
from pathlib import Path

import pytest

from benchmarks.late.command import arguments, main


def test_an_unknown_arm_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--arms", "sometimes"])
    assert "sometimes: wanted some of late, never, always" in capsys.readouterr().err


def test_the_file_holds_the_figures_of_each_way_to_go_on(
    recordings_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "found.json"
    given = f"--data {recordings_file} --late gyroscope --seeds 1 --steps 2 --arms late --afterwards stop --json {file}"
    main(given.split())
    found = json.loads(file.read_text())["synthetic"]
    assert (found["late"], found["seeds"], found["steps"]) == ("gyroscope", 1, 2)
    assert 0 < found["afterwards"]["stop"]["figures"]["late"]["others"]["end"]["mean"] < 100
    assert "gyroscope comes late, the sources without it stop" in capsys.readouterr().out
