from collections import Counter

import pytest
import torch
from prometheus_client import CollectorRegistry

from streams.records import Decision
from trainer.metrics import TrainerMetrics
from trainer.step.step import StepResult


def metrics() -> tuple[TrainerMetrics, CollectorRegistry]:
    registry = CollectorRegistry()
    return TrainerMetrics(registry, "1.2"), registry


def test_counts_are_there_from_the_start() -> None:
    _, registry = metrics()
    for outcome in ("admitted", "repeated", "held-out", "sample-lost", "outdated"):
        assert registry.get_sample_value("mmbind_trainer_bindings_total", {"outcome": outcome}) == 0
    assert registry.get_sample_value("mmbind_gate_decisions_total", {"result": "refused"}) == 0
    assert registry.get_sample_value("mmbind_trial_version") == 0
    for outcome in ("promoted", "rolled-back", "given-up"):
        assert registry.get_sample_value("mmbind_trials_ended_total", {"outcome": outcome}) == 0
    assert registry.get_sample_value("mmbind_build_info", {"version": "1.2"}) == 1


def test_bindings_of_an_earlier_life_are_not_counted_again() -> None:
    made, registry = metrics()
    counts = Counter({"admitted": 100, "repeated": 3})
    made.note_bindings(counts, from_before=True)
    counts["admitted"] += 5
    made.note_bindings(counts)
    made.note_bindings(counts)
    assert registry.get_sample_value("mmbind_trainer_bindings_total", {"outcome": "admitted"}) == 5


def test_steps_count_their_edges() -> None:
    made, registry = metrics()
    made.note_step(StepResult(torch.tensor(1.5), 64, 40), 0.02)
    made.note_step(StepResult(torch.tensor(1.5), 64, 44), 0.02)
    assert registry.get_sample_value("mmbind_train_steps_total") == 2
    assert registry.get_sample_value("mmbind_train_edges_total", {"kind": "pseudo"}) == 84
    assert registry.get_sample_value("mmbind_train_step_seconds_sum") == pytest.approx(0.04)


def test_a_decision_shows_what_the_gate_looked_at() -> None:
    made, registry = metrics()
    figures = {"gate/cmap": 0.4, "gate/chance_cmap": 0.1, "gate/best_cmap": 0.3, "collapse/a/mean_cosine": 0.2}
    made.note_decision(Decision(version=1, passed=True, reason="", figures=figures))
    shown = [
        registry.get_sample_value("mmbind_gate_retrieval_ratio", {"figure": of})
        for of in ("cmap", "chance_cmap", "best_cmap")
    ]
    assert shown == [0.4, 0.1, 0.3]
    assert registry.get_sample_value("mmbind_gate_decisions_total", {"result": "passed"}) == 1
