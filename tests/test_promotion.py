import msgspec
import numpy as np
import pytest

from tests.recorded import recorded
from trainer.evaluation import evaluate
from trainer.promotion import decide, mean_retrieval
from trainer.settings import GateSettings

GATE = GateSettings()


def figures(retrieval: float = 0.4, kind: str = "mrr", rank: float = 12.0, cosine: float = 0.2) -> dict[str, float]:
    return {
        "collapse/gyroscope/effective_rank": rank,
        "collapse/gyroscope/mean_cosine": cosine,
        f"retrieval/gravity->gyroscope/{kind}": retrieval - 0.05,
        f"retrieval/gyroscope->gravity/{kind}": retrieval + 0.05,
        f"retrieval/gravity->gyroscope/chance_{kind}": 0.1,
        f"retrieval/gyroscope->gravity/chance_{kind}": 0.1,
    }


def test_the_first_sound_version_passes() -> None:
    decision = decide(3, figures(), None, GATE)
    assert decision.passed
    assert decision.version == 3
    assert decision.figures["gate/mrr"] == pytest.approx(0.4)
    assert "no modality has collapsed" in decision.reason


@pytest.mark.parametrize(
    ("candidate", "why"),
    [
        (figures(rank=1.2), "effective rank 1.2"),
        (figures(rank=float("nan")), "effective rank"),
        (figures(cosine=0.99), "mean cosine 0.99"),
        (figures(retrieval=0.11), "not above 1.5 times chance"),
        (figures(retrieval=0.05), "not above 1.5 times chance"),
        (figures(retrieval=float("nan")), "not above"),
        (figures(retrieval=0.3), "worse than the best so far"),
        ({}, "nothing could be measured"),
    ],
)
def test_refuses_what_is_collapsed_random_or_worse_and_says_why(candidate: dict[str, float], why: str) -> None:
    decision = decide(4, candidate, figures(0.4), GATE)
    assert not decision.passed
    assert why in decision.reason


def test_a_little_worse_than_the_best_is_within_the_tolerance() -> None:
    assert decide(4, figures(0.385), figures(0.4), GATE).passed
    assert not decide(4, figures(0.375), figures(0.4), GATE).passed


def test_labels_decide_where_there_are_any() -> None:
    candidate = figures(0.5, "cmap") | figures(0.05, "mrr")
    decision = decide(4, candidate, None, GATE)
    assert decision.passed
    assert "cmap" in decision.reason and "mrr" not in decision.reason


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
    assert mean_retrieval(figures(0.4), "chance_mrr") == pytest.approx(0.1)
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
