"""The command line of the learning benchmark, and the file that it writes."""

import json
from pathlib import Path

import pytest

from benchmarks.learning.arms import ABLATION
from benchmarks.learning.command import arguments, main, planned


def test_online_figures_end_at_offline_arms() -> None:
    arms = planned("online", "short")
    assert ("offline", "oracle/soft") in arms and ("online", "ours/soft") in arms
    assert all(mode != "online-sources" for mode, _ in arms)
    assert planned("both", "full", only=("ours/soft",)) == tuple(
        (mode, "ours/soft") for mode in ("offline", "online", "online-sources")
    )
    assert len(planned("both", "ablation")) == 2 * len(ABLATION)


def test_the_file_holds_both_modes_their_figures_and_all_rows(
    recordings_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, figure = tmp_path / "found.json", tmp_path / "found.png"
    only = "natural/plain,natural/soft,mmbind/plain,ours/soft,oracle/soft"
    given = f"--data {recordings_file} --rotations 1 --steps 2 --jobs 1"
    main([*given.split(), "--arms", only, "--json", str(file), "--figure", str(figure)])
    document, shown = json.loads(file.read_text()), capsys.readouterr().out
    for mode in ("offline", "online"):
        for name in ("gap_closed", "gap_closed_same_loss", "pair_precision", "margin_over_mmbind"):
            assert {"mean", "sd"} <= document[mode][name].keys()
            assert document[mode][name]["n"] == 1
        assert len(document[mode]["steps"]) == 1
        assert f"synthetic, acceleration shared, {mode}" in shown
    assert {row["arm"] for row in document["rows"]} == set(only.split(","))
    assert figure.stat().st_size > 0


def test_an_unknown_arm_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--data", "mine.npz", "--arms", "ours"])
    assert "ours: wanted some of untrained, autoencoder" in capsys.readouterr().err
