import numpy as np
import pytest

from streams.records import Sample
from tests.support.recorded import recorded, small_settings
from trainer.controls import RULES, partner_rule, replay_bindings, spread_steps
from trainer.learner import Learner
from trainer.replay.buffer import ReplayBuffer
from trainer.state import CycleReport

RECORDED = recorded(n_slots=10, n_sources=10, precision=0.5)


def filled(rule: str) -> ReplayBuffer:
    buffer = ReplayBuffer(small_settings(), partner_rule(rule, RECORDED.world.shared))
    for binding in RECORDED.bindings:
        if binding.outcome != "held-out":
            buffer.admit(binding, RECORDED.samples[binding.sample_id])
    return buffer


def edges(rule: str) -> list[tuple[Sample, Sample]]:
    batch = filled(rule).draw(400)
    rows = zip(batch.anchors, batch.partners, batch.weights, strict=True)
    return [(anchor, partner) for anchor, partner, weight in rows if partner is not None and weight > 0]


def precision(rule: str) -> float:
    return float(np.mean([anchor.label == partner.label for anchor, partner in edges(rule)]))


def test_natural_edges_only_have_no_edge_between_samples() -> None:
    assert edges("natural") == []


def test_the_oracle_is_always_right_and_random_pairs_are_at_chance() -> None:
    assert precision("oracle") == 1
    # Three classes; four standard deviations of 400 draws.
    assert precision("random") == pytest.approx(1 / 3, abs=0.1)


def test_bound_pairs_are_those_of_the_bindings() -> None:
    partners = {one.sample_id: {partner.sample_id for partner in one.partners} for one in RECORDED.bindings}
    assert all(partner.sample_id in partners[anchor.sample_id] for anchor, partner in edges("bound"))
    assert precision("random") + 0.1 < precision("bound") < precision("oracle")


@pytest.mark.parametrize("rule", ["bound", "random", "oracle"])
def test_no_rule_pairs_a_source_with_itself_or_without_a_new_pair_of_modalities(rule: str) -> None:
    for anchor, partner in edges(rule):
        assert anchor.source_id != partner.source_id
        assert anchor.windows.keys() != partner.windows.keys()


def test_random_pairs_are_fresh_each_time() -> None:
    buffer = filled("random")
    seen = [
        {(a.sample_id, b and b.sample_id) for a, b in zip(one.anchors, one.partners, strict=True)}
        for one in (buffer.draw(50), buffer.draw(50))
    ]
    assert len(seen[0] & seen[1]) < 10


def test_all_rules_train_in_the_same_cycles_and_steps_on_batches_of_one_size() -> None:
    taken: dict[str, list[tuple[int, int]]] = {rule: [] for rule in RULES}

    for rule in RULES:

        def note(learner: Learner, report: CycleReport, rule: str = rule) -> None:
            taken[rule].append((learner.counts["admitted"], report.n_steps))

        replay_bindings(
            RECORDED.bindings,
            RECORDED.samples,
            RECORDED.world.specs,
            RECORDED.world.shared,
            small_settings(),
            rule,
            note,
        )
        assert all(partner is not None for partner in filled(rule).draw(50).partners)
    assert taken["bound"] == taken["natural"] == taken["random"] == taken["oracle"]
    assert taken["bound"][-1] == (80, 20)


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="wanted one of bound, natural, random, oracle"):
        partner_rule("best", "acceleration")


@pytest.mark.parametrize(("n_bindings", "per_cycle"), [(16, 60), (17, 30), (80, 12), (0, 60)])
def test_spreads_a_given_number_of_steps_over_the_cycles(n_bindings: int, per_cycle: int) -> None:
    assert spread_steps(small_settings(), n_bindings, 60).steps_per_cycle == per_cycle
