"""The named figures are those written out by hand."""

import pytest

from benchmarks.data_sets import MHEALTH, UTD
from benchmarks.downstream.figures import AT, Worth, differences, named_figures, table_of
from benchmarks.downstream.worth import ARMS, DESCRIPTORS, FEATURES, LABELS, ONE, SEVERAL
from benchmarks.learning.rows import Row


def row(name: str, rotation: int, seed: int, above: float, case_above: float = 0.0) -> Row:
    """All arms at 50 %, features so many points above, and with one modality so many more."""
    found = {f"{arm}/{case}/{n}": 0.5 for arm in ARMS for case in (SEVERAL, ONE) for n in LABELS}
    found |= {f"{FEATURES}/{SEVERAL}/{n}": 0.5 + above / 100 for n in LABELS}
    found |= {f"{FEATURES}/{ONE}/{n}": 0.5 + (above + case_above) / 100 for n in LABELS}
    return Row(mode="downstream", arm=name, rotation=rotation, seed=seed, fingerprint="", encoders=found, pairs={})


ROWS = [row(UTD, 0, 0, 2), row(UTD, 0, 1, 4), row(UTD, 1, 0, 5), row(MHEALTH, 0, 0, -1, 3), row(MHEALTH, 1, 0, -3, 3)]


def test_the_mean_is_over_sets_and_cases_and_the_worst_has_its_error_added() -> None:
    figures = named_figures(Worth(ROWS))
    # By set and case, seeds averaged: 3 and 5, 3 and 5; -1 and -3, 2 and 0.
    assert figures["over_plain_features_at_5"] == pytest.approx((4 + 4 - 2 + 1) / 4)
    # An sd of the square root of 2, of two rotations.
    assert figures["worst_set_over_plain_features_at_5"] == pytest.approx(-2 + 1)
    assert set(figures) == {
        f"{start}over_{other}_at_5"
        for start in ("", "worst_set_")
        for other in ("plain_features", "aligned", "untrained", "natural_edges", "mmbind", "same_labels")
    }


def test_an_arm_that_was_not_judged_has_no_figure() -> None:
    found = row(UTD, 0, 0, 2)
    del found.encoders[f"{DESCRIPTORS}/{ONE}/{AT}"]
    figures = named_figures(Worth([found]))
    assert "over_plain_features_at_5" not in figures
    assert figures["over_aligned_at_5"] == pytest.approx(2)
    assert named_figures(Worth([])) == {}


def test_differences_and_the_table_have_a_line_for_each_set_case_and_arm() -> None:
    worth = Worth(ROWS)
    assert [(one["set"], one["case"]) for one in differences(worth)] == [
        (name, case) for name in (UTD, MHEALTH) for case in (SEVERAL, ONE)
    ]
    assert table_of(worth, UTD).row_count == len(ARMS)
