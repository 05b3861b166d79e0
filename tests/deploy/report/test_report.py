import io
import json
import math

import msgspec
import numpy as np
import pytest
from rich.console import Console

from deploy.recordings.recordings import arrange, restrict
from deploy.recordings.truth import Truth, never_paired, without_labels
from deploy.report.explanations import about_retrieval
from deploy.report.pair_figures import edges_by_version, judge_pairs, swaps_under_load
from deploy.report.report import Report, as_tables, gap_closed, note_estimate, note_pairs
from deploy.report.retrieval import Difference, RetrievalJudge, mean_cmap
from encoders.modality import ModalitySpec
from streams.precision.figures import PrecisionEstimate, State
from streams.records import SensorWindow
from tests.support.reports import LABELS, SAMPLES, STREAM, binding, filled, sample


def test_precision_is_the_share_of_partners_with_equal_labels() -> None:
    found = judge_pairs(STREAM, SAMPLES, LABELS)
    assert found.right.tolist() == [True, False, False]
    assert found.best == pytest.approx(1 / 3)
    assert found.second_half == pytest.approx(0.0)
    assert found.all_partners == pytest.approx((1 + 0 + 0.25) / 3)


def test_chance_is_the_share_of_equal_labels_in_the_history_of_other_sources() -> None:
    found = judge_pairs(STREAM, SAMPLES, LABELS)
    assert found.chances.tolist() == pytest.approx([1.0, 0.0, 2 / 3])
    assert found.chance == pytest.approx(5 / 9)


def test_withheld_samples_are_history_to_later_ones_but_have_no_pairs_to_judge() -> None:
    withheld = msgspec.structs.replace(binding("b@0"), outcome="withheld")
    found = judge_pairs([STREAM[0], withheld, *STREAM[2:]], SAMPLES, LABELS)
    assert found.right.tolist() == [False, False]
    assert found.chances.tolist() == pytest.approx([0.0, 2 / 3])


def test_a_later_round_replaces_the_partners_and_keeps_the_order() -> None:
    first = judge_pairs(STREAM, SAMPLES, LABELS)
    found = judge_pairs([*STREAM, binding("b@0", ("d@0", 1.0), again=1)], SAMPLES, LABELS)
    assert found.right.tolist() == [LABELS["d@0"] == LABELS["b@0"], *first.right.tolist()[1:]]
    assert found.on_arrival == first.best
    assert found.right_on_arrival.tolist() == first.right.tolist()


def test_without_labels_there_is_no_precision() -> None:
    found = judge_pairs(STREAM, SAMPLES, {})
    assert math.isnan(found.best)
    assert len(found.right) == 0


def test_edges_are_counted_by_version_each_binding_once() -> None:
    stream = [
        binding("a@0"),
        binding("b@0", ("a@0", 1.0)),
        binding("b@0", ("a@0", 1.0)),
        binding("b@0", ("a@0", 0.5), ("c@0", 0.5), version=1, again=1),
    ]
    assert edges_by_version(stream) == {0: 1, 1: 2}


def test_a_swap_counts_when_enough_edges_carry_each_version() -> None:
    assert swaps_under_load({0: 5000}) == 0
    assert swaps_under_load({0: 100, 1: 100, 2: 99}) == 1
    assert swaps_under_load({}) == 0


def window(source: str, modality: str, slot: int, label: str | None = None) -> SensorWindow:
    values = np.full((4, 2), slot + 1, np.float32)
    return SensorWindow(source_id=source, modality=modality, start_ns=slot * 10**9, values=values, label=label)


def recordings_with_a_hidden_gyro() -> Truth:
    specs = [ModalitySpec(name=name, n_channels=2, n_steps=4, rate_hz=4) for name in ("acc", "gyro")]
    windows = [window("a", name, slot, "walk") for name in ("acc", "gyro") for slot in range(3)]
    return Truth(restrict(arrange("some", specs, windows), hide=["a:gyro"]), hop_s=1.0)


def test_a_stream_sees_no_labels() -> None:
    assert [one.label for one in without_labels([window("a", "acc", 0, "walk"), window("a", "acc", 1)])] == [None, None]


def test_truth_gives_labels_and_hidden_windows_back() -> None:
    truth, seen = recordings_with_a_hidden_gyro(), sample("a@1", "acc", values=np.ones((4, 2), np.float32))
    assert truth.labels([seen, sample("b@1", "acc")]) == {"a@1": "walk"}
    assert set(truth.labelled([seen])["a@1"].windows) == {"acc"}
    (whole,) = truth.complete([seen])
    assert whole.label == "walk"
    np.testing.assert_array_equal(whole.windows["gyro"], np.full((4, 2), 2))
    # By what its source sent until then, as on arrival.
    assert whole.scaling["gyro"].n_windows == 2


def test_modalities_never_paired_are_those_no_sample_has_together() -> None:
    fleet = [sample("a@0", "s", "x"), sample("b@0", "s", "y"), sample("c@0", "s")]
    assert never_paired(fleet) == [("x", "y"), ("y", "x")]
    assert never_paired([*fleet, sample("d@0", "x", "y")]) == []


def direction(windows: np.ndarray) -> np.ndarray:
    rows = windows.mean(1)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def constant(windows: np.ndarray) -> np.ndarray:
    return np.ones((len(windows), 2), np.float32) / math.sqrt(2)


def judge() -> RetrievalJudge:
    """Two classes, told apart by the direction of their windows."""
    rng = np.random.default_rng(0)
    held_out = []
    for number in range(40):
        label = "walk" if number % 2 else "sit"
        values = np.array([[1.0, 0.0]] if number % 2 else [[0.0, 1.0]]) + rng.normal(0, 0.05, (6, 2))
        source = f"p{number % 4}"
        held_out.append(sample(f"{source}@{number}", "x", "y", label=label, values=values.astype(np.float32)))
    return RetrievalJudge(held_out, [("x", "y"), ("y", "x")])


def test_retrieval_is_judged_by_modality_pair() -> None:
    found = judge().figures({"x": direction, "y": direction, "unused": constant})
    assert set(found) == {"x->y", "y->x"}
    assert found["x->y"]["cmap"] == pytest.approx(1.0)
    assert found["x->y"]["chance_cmap"] == pytest.approx(0.5, abs=0.06)
    assert mean_cmap(found) == pytest.approx(1.0)


def test_a_model_differs_from_itself_by_noise_and_from_chance_by_more() -> None:
    ours = {"x": direction, "y": direction}
    assert judge().difference("itself", ours, ours).is_noise
    beaten = judge().difference("constant", ours, {"x": constant, "y": constant})
    assert beaten.difference > 0.3
    assert not beaten.is_noise


def test_an_unknown_error_is_called_noise() -> None:
    assert Difference(control="random", difference=0.5, error=float("nan")).is_noise


def test_the_gap_closed_lies_between_the_natural_edges_and_the_oracle() -> None:
    report = filled()
    assert gap_closed(report) == pytest.approx(0.5)
    report.retrieval_oracle = report.retrieval_natural_only
    assert gap_closed(report) is None


def test_what_is_not_a_number_is_null_in_json() -> None:
    report = filled()
    note_pairs(report, judge_pairs(STREAM, SAMPLES, {}))
    read = json.loads(report.as_json())
    assert read["pair_precision"] is None
    assert read["pairs_by_version"] == {"0": 3, "1": 2}
    assert read["retrieval"]["x->y"]["cmap"] == 0.4


def text_of(report: Report) -> str:
    written = io.StringIO()
    Console(width=140, file=written).print(as_tables(report))
    return written.getvalue()


def test_the_estimate_stands_beside_the_truth_with_its_interval() -> None:
    report = filled()
    note_estimate(report, PrecisionEstimate("estimated", 0.71, 0.62, 0.8, 400))
    assert "0.710 (0.620 to 0.800)" in text_of(report)
    read = json.loads(report.as_json())
    assert (read["pair_precision_estimate"], read["pair_precision_estimate_interval"]) == (0.71, [0.62, 0.8])


@pytest.mark.parametrize("state", ["none", "unknown"])
def test_an_estimate_that_there_is_not_is_a_word_and_no_number(state: State) -> None:
    report = filled()
    note_estimate(report, PrecisionEstimate(state, queries=400))
    assert report.pair_precision_estimate == state
    assert report.pair_precision_estimate_interval is None
    assert state in text_of(report)


def test_the_table_says_where_a_difference_is_within_its_noise() -> None:
    text = text_of(filled())
    assert "+0.100 ± 0.090  within its noise" in text
    assert "0.333" in text


@pytest.mark.parametrize(("served", "said"), [(1, "In bold: version 1, which is served"), (0, "none is served")])
def test_figures_are_explained_where_they_stand_and_the_served_version_is_bold(served: int, said: str) -> None:
    report = filled()
    report.worker_model_version = served
    console = Console(file=io.StringIO(), width=400, force_terminal=True)
    console.print(as_tables(report))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(word in shown for word in ("cmAP, class mean average precision", "oracle: on partners", said))
    bold = [line for line in shown.splitlines() if "\x1b[1mversion 1, served" in line]
    assert len(bold) == bool(served)


def test_without_labels_the_figure_that_is_shown_is_explained() -> None:
    assert about_retrieval(False, 2, 3).startswith("MRR, mean reciprocal rank")
