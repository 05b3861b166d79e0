"""Whom later versions are held against, and what becomes of training whose versions are refused."""

import numpy as np
import pytest

from tests.support.learners import RECORDED, go_through, learner_of
from trainer.candidate import bundle_of, judged_candidate
from trainer.judging.held_out import Evaluation
from trainer.learner import Learner

NAME = "retrieval/gravity->gyroscope/cmap"
# With so many samples the standard error of a difference is 0.01, and twice that may be luck.
LUCK = np.random.default_rng(0).normal(0, 0.2, size=400)


def evaluation(cmap: float) -> Evaluation:
    """Of a model whose retrieval is that good, and differs from that of others by luck too."""
    luck = np.roll(LUCK, round(1000 * cmap))
    figures = {NAME: cmap, "retrieval/gravity->gyroscope/chance_cmap": 0.1}
    figures |= {"collapse/gravity/effective_rank": 20.0, "collapse/gravity/mean_cosine": 0.1}
    by_sample = {NAME: dict(zip(map(str, range(400)), (cmap + luck - luck.mean()).tolist(), strict=True))}
    return Evaluation(figures, figures, (), by_sample)


def judged(learner: Learner, number: int) -> bool:
    candidate = judged_candidate(learner, number, number)
    assert candidate is not None
    return candidate.decision.passed


def weights(learner: Learner) -> dict[str, np.ndarray]:
    return {
        f"{one}/{name}": value
        for one, own in bundle_of(learner, 1, 0, 0).weights.items()
        for name, value in own.items()
    }


def test_a_slow_decline_is_stopped_at_the_second_step(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = go_through(learner_of(), RECORDED.bindings)
    coming, best = [0.5, 0.48, 0.46, 0.51], [evaluation(0.5), evaluation(0.5), evaluation(0.5)]
    monkeypatch.setattr(learner, "evaluate", lambda: evaluation(coming.pop(0)))
    monkeypatch.setattr(learner, "evaluate_best", lambda: best.pop() if learner.best_version else None)
    seen = [(judged(learner, number), learner.best_version) for number in range(4)]
    assert seen == [(True, 1), (True, 1), (False, 1), (True, 4)], "the second passed, and is not the best"


@pytest.mark.parametrize(("refusals", "n_refused", "goes_back"), [(0, 3, False), (2, 1, False), (2, 2, True)])
def test_training_goes_on_from_the_best_after_so_many_refusals(refusals: int, n_refused: int, goes_back: bool) -> None:
    gate = {"min_effective_rank": 1000.0, "refusals_before_return": refusals}
    learner = go_through(learner_of(gate=gate), RECORDED.bindings)
    learner.crown(1)
    best = weights(learner)
    for number in range(1, n_refused + 1):
        learner.run_cycle()
        assert not judged(learner, number)
    now = weights(learner)
    assert all(np.array_equal(now[name], best[name]) for name in best) == goes_back
    learner.run_cycle()
    assert any(not np.array_equal(weights(learner)[name], best[name]) for name in best)


@pytest.mark.parametrize("refusals", [0, 2])
def test_a_version_that_passes_ends_a_row_of_refusals_and_goes_back_to_none(refusals: int) -> None:
    learner = go_through(learner_of(gate={"refusals_before_return": refusals}), RECORDED.bindings)
    learner.crown(1)
    best = weights(learner)
    for passed in (False, True, False, True):
        learner.run_cycle()
        learner.note_verdict(passed)
    assert any(not np.array_equal(weights(learner)[name], best[name]) for name in best)
