"""MMBind's protocol on a small synthetic world."""

import json
from pathlib import Path

import pytest

from benchmarks.learning.data import World
from benchmarks.learning.finetune import OWN_CODE, main
from benchmarks.learning.finetune_table import ARMS, summary, table
from benchmarks.learning.protocol import Protocol, measure, run
from benchmarks.learning.rows import Run
from benchmarks.learning.stamp import ROOT


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_gives_accuracy_and_f1_and_accuracy_on_frozen_features(world: World, arm: str) -> None:
    row = measure(Protocol(n_steps=2, n_epochs=1, labels=(6,)), [world], Run("finetune", arm, 0, 0))
    assert set(row.encoders) == {"accuracy/6", "macro_f1/6", "features/6"}
    assert row.encoders["features/6"] > 0.5, "of three classes"
    assert table(summary([row]), [6], "").row_count == 1


def test_what_was_tuned_before_is_not_tuned_again(world: World, tmp_path: Path) -> None:
    plan, file = [Run("finetune", "lower", 0, 0), Run("finetune", "lower", 0, 1)], tmp_path / "rows.jsonl"
    protocol = Protocol(n_steps=2, n_epochs=1, labels=(6,))
    rows = run(protocol, [world], plan, file)
    assert run(protocol, [world], plan, file) == rows
    other = run(Protocol(n_steps=2, n_epochs=2, labels=(6,)), [world], plan, file)
    assert {row.fingerprint for row in other}.isdisjoint({row.fingerprint for row in rows})


def test_its_own_code_is_there_to_be_hashed() -> None:
    assert all((ROOT / name).is_file() for name in OWN_CODE)


def test_the_file_holds_figures_by_arm_and_number_of_labels(
    recordings_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "found.json"
    given = f"--data {recordings_file} --rotations 1 --epochs 1 --labels 6 --jobs 1 --arms lower --json {file}"
    main(given.split())
    found = json.loads(file.read_text())
    assert found["arms"]["lower"]["accuracy/6"]["n"] == len(found["rows"]) == 1
    assert "lower: labels only" in capsys.readouterr().out
