import json
import math
import os
from pathlib import Path

import pytest

from benchmarks.workers.command import EACH, ONE, Row, divisions, main, named_figures, row_of
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(10)
SAMPLES = list(WORLD.samples(30))


def test_what_each_binds_is_counted_over_all_binders() -> None:
    one, each = (row_of(SAMPLES, 4, who, divisions(4, 0)[who], WORLD.settings()) for who in (ONE, EACH))
    assert one.n_samples == each.n_samples == 300
    assert 0 < each.right < one.right <= 1, "a quarter of a short stream is not enough"


def test_with_one_worker_there_is_one_way() -> None:
    assert list(divisions(1, 0)) == [ONE]


def test_the_figures_are_means_over_seeds_and_the_least_of_all_streams() -> None:
    def row(n_samples: int, n_workers: int, who: str, right: float) -> Row:
        return Row(n_samples, n_workers, who, right, 1.0, 0.0)

    rows = [row(861, 1, ONE, 0.8), row(861, 1, ONE, 0.9), row(861, 8, ONE, 0.85), row(861, 8, EACH, 0.34)]
    rows += [row(5166, 1, ONE, 0.8), row(5166, 8, ONE, 0.72), row(5166, 8, EACH, 0.8)]
    figures = named_figures(rows)
    assert figures["right_8_over_1"] == pytest.approx(0.9)
    assert figures["right_8_over_1_each_binds"] == pytest.approx(0.4)
    assert named_figures([]) == {}
    assert not any(math.isnan(value) for value in figures.values())


@pytest.mark.skipif(not os.environ.get("MMBIND_TEST_DATA"), reason="MMBIND_TEST_DATA is not set: no UTD-MHAD here")
def test_the_command_writes_its_figures(tmp_path: Path) -> None:
    main(["--workers", "1,8", "--samples", "861", "--seeds", "1", "--json", str(tmp_path / "figures.json")])
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["right_8_over_1"] >= 0.99
    assert figures["right_8_over_1_each_binds"] < 0.8
    assert {one["n_samples"] for one in figures["rows"]} == {861}
