from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from tests.support.recorded import recorded
from trainer.judging.evaluation import PAIR_PRECISION, PAIRS_UNKNOWN, evaluate
from trainer.judging.gate import decide, is_better, mean_retrieval
from trainer.settings import GateSettings

GATE = GateSettings()


def figures(
    retrieval: float = 0.4, *, auc: float = 0.8, labelled: bool = False, rank: float = 12.0, cosine: float = 0.2
) -> dict[str, float]:
    """`retrieval` is the cmap with labels, else the mrr; the chance of a cmap is 0.1."""
    made = {"collapse/gyroscope/effective_rank": rank, "collapse/gyroscope/mean_cosine": cosine}
    for place, pair in enumerate(("gravity->gyroscope", "gyroscope->gravity")):
        kinds = {"mrr": retrieval, "auc": auc, "chance_mrr": 0.05, "chance_auc": 0.5, "chance_sd_auc": 0.02}
        if labelled:
            kinds |= {"mrr": 0.0, "auc": 0.0, "cmap": retrieval, "chance_cmap": 0.1}
        made |= {f"retrieval/{pair}/{kind}": value + (place - 0.5) / 50 for kind, value in kinds.items()}
    return made


def test_the_first_sound_version_passes() -> None:
    decision = decide(3, figures(), None, GATE)
    assert decision.passed
    assert decision.version == 3
    assert decision.figures["gate/auc"] == pytest.approx(0.8)
    assert "no modality has collapsed" in decision.reason


@pytest.mark.parametrize(
    ("candidate", "why"),
    [
        (figures(rank=1.2), "effective rank 1.2"),
        (figures(rank=float("nan")), "effective rank"),
        (figures(cosine=0.99), "mean cosine 0.99"),
        (figures(auc=0.53), "not above chance (0.500, wanted 0.540)"),
        (figures(auc=0.3), "not above chance"),
        (figures(auc=float("nan")), "not above"),
        (figures(0.11, labelled=True), "not above chance (0.100, wanted 0.120)"),
        (figures(float("nan")), "worse than the best so far"),
        (figures(retrieval=0.3), "worse than the best so far"),
        ({}, "nothing could be measured"),
    ],
)
def test_refuses_what_is_collapsed_random_or_worse_and_says_why(candidate: dict[str, float], why: str) -> None:
    decision = decide(4, candidate, figures(0.4), GATE)
    assert not decision.passed
    assert why in decision.reason


def error(names: Sequence[str]) -> float:
    """As if the standard error of the difference were 0.0075, of the two directions that both know."""
    assert sorted(names) == ["retrieval/gravity->gyroscope/mrr", "retrieval/gyroscope->gravity/mrr"]
    return 0.0075


def test_worse_than_the_best_by_what_may_be_luck_is_not_worse() -> None:
    near, far = (decide(4, figures(one), figures(0.4), GATE, error_of=error) for one in (0.386, 0.384))
    assert near.passed and not is_better(near)
    assert not far.passed
    assert "mrr 0.384 is worse than the best so far (0.400, less 0.015 for luck)" in far.reason
    assert not decide(4, figures(0.399), figures(0.4), GATE).passed, "without an error nothing is luck"


def test_better_is_what_retrieves_better_or_is_the_first() -> None:
    assert is_better(decide(1, figures(0.4), None, GATE))
    assert is_better(decide(2, figures(0.41), figures(0.4), GATE))
    assert not is_better(decide(2, figures(0.4), figures(0.4), GATE))
    assert is_better(decide(2, figures(0.5, labelled=True), figures(0.4, labelled=True), GATE))


def test_pairs_that_are_thought_wrong_too_often_hold_a_version_back() -> None:
    held_back = decide(4, figures() | {PAIR_PRECISION: 0.2}, figures(), GATE)
    assert not held_back.passed
    assert "20% of its pairs are thought right, wanted 25% or more" in held_back.reason
    assert decide(4, figures() | {PAIR_PRECISION: 0.8}, figures(), GATE).passed
    told = decide(4, figures() | {PAIR_PRECISION: 0.8, PAIRS_UNKNOWN: 0.4}, figures(), GATE).reason
    assert "80% of its pairs are thought right, wanted 25% or more; of 40% nothing is known" in told


def test_only_pairs_that_both_know_are_compared() -> None:
    """A modality that has just joined is no reproach to the others, nor does it hide that they got worse."""
    joined = {f"retrieval/skeleton->gravity/{kind}": 0.1 for kind in ("mrr", "chance_mrr")}
    joined |= {"retrieval/skeleton->gravity/auc": 0.7, "retrieval/skeleton->gravity/chance_auc": 0.5}
    decision = decide(4, figures(0.4) | joined, figures(0.4), GATE)
    assert decision.passed
    assert decision.figures["gate/mrr"] == pytest.approx(0.4)
    assert not decide(4, figures(0.3) | joined, figures(0.4), GATE).passed


def test_where_no_bound_pair_is_known_to_both_the_natural_ones_are_compared() -> None:
    joined = {name.replace("gyroscope", "skeleton"): value for name, value in figures(0.1).items()}

    def natural(retrieval: float) -> dict[str, float]:
        return {name.replace("retrieval", "natural"): value for name, value in figures(retrieval).items()}

    best = figures(0.4) | natural(0.4)
    assert decide(4, joined | natural(0.41), best, GATE).passed
    decision = decide(4, joined | natural(0.3), best, GATE)
    assert not decision.passed
    assert "mrr 0.300 is worse than the best so far (0.400, less 0.000 for luck)" in decision.reason


def test_labels_decide_where_there_are_any() -> None:
    decision = decide(4, figures(0.52, labelled=True), figures(0.51, labelled=True), GATE)
    assert decision.passed
    assert "cmap" in decision.reason and "auc" not in decision.reason


def test_without_retrieval_the_collapse_tests_alone_decide_and_the_reason_says_so() -> None:
    sound = {name: value for name, value in figures().items() if name.startswith("collapse/")}
    missing = ("gravity -> gyroscope: no two held-out samples have both",)
    decision = decide(4, sound, None, GATE, missing)
    assert decision.passed
    assert "collapse tests alone" in decision.reason
    assert missing[0] in decision.reason
    assert not decide(5, sound | {"collapse/gravity/mean_cosine": 0.95}, None, GATE, missing).passed


def test_the_mean_runs_over_the_directions_of_one_figure() -> None:
    assert mean_retrieval(figures(0.4), "mrr") == pytest.approx(0.4)
    assert mean_retrieval(figures(0.4), "chance_auc") == pytest.approx(0.5)
    assert mean_retrieval(figures(0.4), "cmap") is None


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("seed", range(10))
def test_embeddings_without_meaning_are_refused(seed: int, labelled: bool) -> None:
    samples = [one for one in recorded(n_slots=20).samples.values() if one.held_out]
    if not labelled:
        samples = [msgspec.structs.replace(one, label=None) for one in samples]
    rng = np.random.default_rng(seed)

    def embed(windows: np.ndarray) -> np.ndarray:
        rows = rng.normal(size=(len(windows), 16))
        unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit.astype(np.float32)

    assert not decide(1, evaluate({"gravity": embed, "gyroscope": embed}, samples), None, GATE).passed


def test_embeddings_that_are_all_the_same_are_refused() -> None:
    samples = [one for one in recorded(n_slots=20).samples.values() if one.held_out]

    def embed(windows: np.ndarray) -> np.ndarray:
        return np.full((len(windows), 16), 0.25, np.float32)

    decision = decide(1, evaluate({"gravity": embed, "gyroscope": embed}, samples), None, GATE)
    assert not decision.passed
    assert "collapsed" in decision.reason
