"""The command line of the labels benchmark, and its figures against sums by hand."""

import numpy as np
import pytest

from benchmarks.labels.command import arguments
from benchmarks.labels.fleet import Fleet, fleet_of, n_folds, person_of
from benchmarks.labels.rows import Plan, _rows_of_kind
from benchmarks.labels.table import calibration, figure_of_all, summary, table
from benchmarks.labels.taught import PSEUDO, SPREAD, TRUE
from deploy.recordings.recordings import Recordings


@pytest.fixture(scope="module")
def fleet(recordings: Recordings) -> Fleet:
    return fleet_of(recordings, 0)


def test_counts_that_are_none_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--labels", "five"])
    assert "'five': wanted counts, such as 1,5,20" in capsys.readouterr().err


def test_people_are_left_out_in_turn_and_the_rest_are_of_two_kinds(recordings: Recordings, fleet: Fleet) -> None:
    assert person_of("person-01-left") == person_of("person-01-right") == "person-01"
    left_out = [{one.source_id for one in fleet_of(recordings, fold).test} for fold in range(n_folds(recordings))]
    assert sorted(source for sources in left_out for source in sources) == list(recordings.sources)
    kinds = [(int(kind), name) for kind, one in zip(fleet.kinds, fleet.samples, strict=True) for name in one.windows]
    first, second = ({name for kind, name in kinds if kind == wanted} for wanted in (0, 1))
    assert first & second == {recordings.shared}
    assert first - second == {fleet.own[0]} and second - first == {fleet.own[1]}
    assert not any(one.label for one in fleet.samples)


def test_labels_are_drawn_of_one_kind(fleet: Fleet) -> None:
    given = fleet.few(1, 2, seed=0)
    places = [place for place, one in enumerate(fleet.samples) if one.sample_id in given]
    assert len(given) == 2 * 3 and {int(fleet.kinds[place]) for place in places} == {1}
    assert all(given[fleet.samples[place].sample_id] == fleet.labels[place] for place in places)
    assert fleet.few(1, 2, seed=1) != given


def test_a_row_holds_all_arms_and_the_summary_their_means(fleet: Fleet) -> None:
    rows = _rows_of_kind(fleet, 1, None, Plan((5,), 2, with_encoders=False))
    found = summary(rows)
    figures = found["5"]
    by_hand = np.mean([100 * one.told["ours"].right.mean() for one in rows])
    assert figures["right"]["ours"].mean == pytest.approx(by_hand)
    assert set(figures["taught"]) == {SPREAD, PSEUDO, TRUE}
    assert figure_of_all({"a set": found})["labels_by_pairs_over_classifier_at_5"] == figures["over_classifier"].mean
    assert len(table("a set", found).rows) == 1


def test_the_calibration_error_is_that_of_the_bins() -> None:
    probability = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55])
    right = np.array([True, True, True, False, True, True])
    found = calibration(probability, right)
    assert found["error"] == pytest.approx(100 * (4 / 6 * 0.2 + 2 / 6 * 0.45))
    assert found["above"] == pytest.approx(100 * (probability.mean() - 5 / 6))
