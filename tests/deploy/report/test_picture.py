from pathlib import Path

import numpy as np
import pytest

from deploy.report.picture import curves, draw, rolling, swaps
from deploy.report.report import Report
from tests.support.reports import filled


def test_a_picture_is_drawn_of_a_run(tmp_path: Path) -> None:
    draw(filled(), tmp_path / "out" / "run.png", "Some run")
    assert (tmp_path / "out" / "run.png").read_bytes().startswith(b"\x89PNG")


def test_losses_of_cycles_are_drawn_as_points(tmp_path: Path) -> None:
    report = filled()
    report.series.loss_steps = [60, 120, 180]
    draw(report, tmp_path / "run.png", "Some run")
    assert (tmp_path / "run.png").stat().st_size > 1000


def test_a_run_without_anything_can_be_drawn_too(tmp_path: Path) -> None:
    nothing = Report(
        windows_in=0, windows_lost=0, samples=0, rejects=0, bindings=0, pairs=0, pairs_by_version={}, samples_alone=0
    )
    draw(nothing, tmp_path / "run.png", "Nothing")
    assert (tmp_path / "run.png").stat().st_size > 1000


def test_a_rolling_mean_starts_before_its_width_is_full() -> None:
    places, means = rolling(np.array([1.0, 0.0, 0.0, 0.0, 1.0]), width=4)
    assert places.tolist() == [0, 1, 2, 3, 4]
    assert means == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 4])


def test_a_swap_is_where_a_higher_version_first_binds() -> None:
    assert swaps([0, 0, 1, 0, 1, 3]) == [(2, 1), (5, 3)]
    assert swaps([]) == []


def test_all_curves_are_of_the_samples_that_had_a_partner_when_they_came() -> None:
    report = filled()
    report.series.right = [True, True, False]
    report.series.right_on_arrival = [None, False, False]
    report.series.chance = [0.1, 0.2, 0.3]
    drawn = {name: (places.tolist(), values.tolist()) for name, _, _, places, values in curves(report)}
    assert drawn == {
        "in the last round": ([1, 2], [1.0, 0.0]),
        "when they came": ([1, 2], [0.0, 0.0]),
        "by chance": ([1, 2], [0.2, 0.3]),
    }
