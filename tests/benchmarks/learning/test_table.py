"""The summary of rows whose figures are known, its tables and its picture."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning.figure import draw
from benchmarks.learning.rows import Row
from benchmarks.learning.table import ablation_table, summary, table


def row(arm: str, rotation: int, cmap: float, mode: str = "offline", **pairs: float) -> Row:
    figures = dict.fromkeys(("cmap", "r_at_1", "zs", "mrr", "frozen", "chance_cmap"), cmap)
    pairs = {"precision": 0.8, **pairs} if arm.startswith("ours") else {}
    return Row(mode=mode, arm=arm, rotation=rotation, seed=0, fingerprint="", encoders=figures, pairs=pairs, n_steps=9)


def test_the_gap_is_closed_by_the_share_of_the_way_from_floor_to_ceiling(tmp_path: Path) -> None:
    cmaps = {"natural/plain": 0.2, "natural/soft": 0.3, "mmbind/plain": 0.25, "ours/soft": 0.35, "oracle/soft": 0.4}
    rows = [row(arm, rotation, cmap + rotation / 100) for rotation in (0, 1) for arm, cmap in cmaps.items()]
    rows += [row("ours/soft", rotation, 0.3 + rotation / 100, "online") for rotation in (0, 1)]
    offline, online = summary(rows, "offline"), summary(rows, "online")
    assert offline["gap_closed"].mean == pytest.approx(0.75)
    assert offline["gap_closed"].sd == pytest.approx(0, abs=1e-9)
    assert offline["gap_closed_same_loss"].mean == pytest.approx(0.5)
    assert offline["margin_over_mmbind"].mean == pytest.approx(10)
    assert offline["pair_precision"].mean == pytest.approx(0.8)
    assert offline["steps"] == [9]
    assert offline["arms"]["mmbind/plain"]["gap_closed"].mean == pytest.approx(0.25)
    assert online["gap_closed"].mean == pytest.approx(0.5)
    assert np.isnan(online["gap_closed_online_controls"].mean)
    assert table(offline, "").row_count == ablation_table({"offline": offline, "online": online}, "").row_count == 5
    draw({"offline": offline}, ["offline"], tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 0


def test_random_pairs_above_natural_edges_are_named() -> None:
    rows = [row("natural/soft", rotation, 0.3) for rotation in (0, 1)]
    rows += [row("random/soft", 0, 0.2), row("random/soft", 1, 0.32)]
    (found,) = summary(rows, "offline")["random_above_natural"]["soft"]
    assert (found["rotation"], found["seed"]) == (1, 0)
    assert found["points"] == pytest.approx(2)
    assert summary(rows[:3], "offline")["random_above_natural"] == {"soft": []}


def test_the_estimate_is_compared_with_the_truth_of_the_same_pairs() -> None:
    rows = [row("ours/soft", 0, 0.3, predicted=0.7), row("ours/soft", 1, 0.3, predicted=0.7, predicted_of=0.72)]
    rows.append(row("ours/soft", 2, 0.3))
    found = summary(rows, "offline")["estimate"]
    assert [one["rotation"] for one in found] == [0, 1, 2]
    assert [one["points_off"] for one in found[:2]] == pytest.approx([-10, -2])
    assert found[2]["n"] == 0
