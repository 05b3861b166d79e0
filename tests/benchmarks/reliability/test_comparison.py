"""What is said of a stream's pairs, held against a truth that is known."""

import numpy as np
import pytest

from benchmarks.reliability.comparison import Comparison, bands_by_data, bands_of, compare
from benchmarks.reliability.data import NOISE, ROTATED, Stream, with_noise
from benchmarks.reliability.table import heading, line_of, summary_lines
from deploy.recordings.recordings import Recordings
from streams.precision.figures import PrecisionEstimate

NAN = float("nan")


def comparison(
    name: str = "watch",
    value: float | None = 0.8,
    confidence: tuple[float, ...] = (0.9, 0.1, 0.5, 0.7),
    right: tuple[bool, ...] = (True, False, False, True),
) -> Comparison:
    said = (
        PrecisionEstimate("unknown")
        if value is None
        else PrecisionEstimate("estimated", value, value - 0.1, value + 0.1)
    )
    return Comparison("watch", name, said, 0.3, 0, 1.25, np.array(confidence), np.array(right))


def test_bands_hold_equal_numbers_the_least_sure_first() -> None:
    assert bands_of([comparison()], n_bands=2) == [
        {"predicted": pytest.approx(0.3), "true": 0.0, "n": 2.0},
        {"predicted": pytest.approx(0.8), "true": 1.0, "n": 2.0},
    ]


def test_pairs_without_confidence_are_in_no_band() -> None:
    assert bands_of([comparison(confidence=(NAN, NAN, NAN, 0.7))], n_bands=1) == [
        {"predicted": 0.7, "true": 1.0, "n": 1.0}
    ]
    assert bands_of([comparison(confidence=(NAN,) * 4)]) == []


def test_bands_are_by_data_set_and_by_whether_sensors_are_rotated_and_noise_has_none() -> None:
    streams = [
        comparison(),
        comparison(f"watch 0 {ROTATED}"),
        comparison(f"watch 1 {ROTATED}"),
        comparison(f"watch {NOISE}"),
    ]
    found = bands_by_data(streams)
    assert list(found) == ["watch", f"watch {ROTATED}"]
    assert sum(band["n"] for band in found[f"watch {ROTATED}"]) == 8


@pytest.mark.parametrize(("value", "is_inside"), [(0.5, True), (0.8, False), (None, None)])
def test_the_truth_lies_inside_the_interval_or_not(value: float | None, is_inside: bool | None) -> None:
    assert comparison(value=value).is_inside is is_inside


def test_a_line_is_in_percent_below_its_heading_and_marks_an_interval_that_misses() -> None:
    line = line_of(comparison())
    assert line.split() == ["watch", "4", "50.0", "80.0", "70", "to", "90", "!", "+30.0", "0.30", "1.2"]
    assert len(line) == len(heading())


def test_the_summary_counts_intervals_that_hold_the_truth() -> None:
    lines = summary_lines([comparison(), comparison(value=0.5), comparison(value=None)])
    assert lines[0].strip() == "1 of 2 true shares lie in the interval of 95 %"


def test_a_stream_that_tells_is_judged_better_than_one_of_noise(recordings: Recordings) -> None:
    tells = compare(Stream("synthetic", "synthetic", recordings))
    noise = compare(Stream("synthetic", f"synthetic {NOISE}", with_noise(recordings, 0)))
    assert tells.true > 0.7 > noise.true
    assert tells.margin > noise.margin
    assert (tells.trouble, noise.trouble) == ("", NOISE)
    assert tells.figures()["pairs"] == len(tells.right) > 0
