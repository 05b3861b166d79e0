"""What a learner takes in, when a cycle is due, and what it hands out."""

import msgspec
import numpy as np
import pytest

from encoders.modality import ModalitySpec
from encoders.scaling import Scaling
from streams.records import Sample
from tests.support.learners import RECORDED, go_through, learner_of
from tests.support.recorded import binding_of, recorded, small_settings
from trainer.candidate import bundle_of
from trainer.judging.evaluation import PAIR_PRECISION
from trainer.learner import Learner


def test_a_cycle_is_cut_by_the_number_of_bindings_admitted() -> None:
    learner = learner_of(cycle_bindings=10)
    cuts = []
    for number, binding in enumerate(RECORDED.bindings):
        learner.admit(binding, RECORDED.samples)
        learner.admit(binding, RECORDED.samples)
        if learner.cycle_due:
            cuts.append(number)
            learner.run_cycle()
    admitted = [number for number, one in enumerate(RECORDED.bindings) if one.outcome != "held-out"]
    assert cuts == admitted[9::10]


def test_counts_what_became_of_each_binding() -> None:
    learner = learner_of()
    for binding in (*RECORDED.bindings, RECORDED.bindings[2]):
        learner.admit(binding, RECORDED.samples)
    learner.admit(binding_of(next(iter(RECORDED.samples.values())), (), round_=3), {})
    assert learner.counts["outdated"] == 1, "a later round of a sample that the buffer does not hold"
    gone = msgspec.structs.replace(RECORDED.bindings[5], sample_id="gone@1")
    assert not learner.admit(gone, RECORDED.samples)
    n_held_out = sum(one.held_out for one in RECORDED.samples.values())
    assert learner.counts["admitted"] == len(RECORDED.samples) - n_held_out
    assert (learner.counts["repeated"], learner.counts["sample-lost"]) == (1, 1)
    assert learner.counts["held-out"] == n_held_out


def test_never_trains_on_held_out_samples() -> None:
    learner = go_through(learner_of(), RECORDED.bindings)
    held_out = {one.sample_id for one in RECORDED.samples.values() if one.held_out}
    assert not held_out & {edges.sample_id for edges in learner.snapshot().edges}
    assert not held_out & {name for name, _ in learner.snapshot().admitted}


def test_a_cycle_over_a_small_buffer_has_fewer_steps() -> None:
    settings = small_settings(steps_per_cycle=40, warm_samples=100)
    assert [settings.steps_of_cycle(n_samples) for n_samples in (0, 1, 50, 100, 5000)] == [0, 1, 20, 40, 40]


def test_what_is_handed_out_is_the_mean_of_the_last_steps() -> None:
    steady, last = (go_through(learner_of(average=share), RECORDED.bindings) for share in (0.95, 0.0))
    mean, end = (bundle_of(one, 1, 0, 0).weights["acceleration"] for one in (steady, last))
    assert any(not np.array_equal(mean[name], end[name]) for name in end)
    weights = [one.snapshot().step.arrays["weights/acceleration/stem.weight"] for one in (steady, last)]
    assert np.array_equal(weights[0], weights[1]), "training itself knows nothing of the mean"
    assert np.array_equal(end["stem.weight"], weights[1])


def test_the_gate_is_told_what_pairs_are_thought_to_be_worth() -> None:
    learner = go_through(learner_of(), RECORDED.bindings)
    assert PAIR_PRECISION not in learner.evaluate().judged
    sure = [
        msgspec.structs.replace(
            one,
            round=1,
            partners=tuple(msgspec.structs.replace(to, confidence=0.75) for to in one.partners),
        )
        for one in RECORDED.bindings
    ]
    for binding in sure:
        learner.admit(binding, RECORDED.samples)
    assert learner.evaluate().judged[PAIR_PRECISION] == pytest.approx(0.75)


def test_training_lowers_the_loss() -> None:
    learner = learner_of(steps_per_cycle=120)
    for binding in RECORDED.bindings:
        learner.admit(binding, RECORDED.samples)
    losses = learner.run_cycle().losses
    assert np.mean(losses[-20:]) < 0.8 * np.mean(losses[:20])


def test_evaluates_the_pairs_that_no_training_sample_has_together() -> None:
    learner = go_through(learner_of(), RECORDED.bindings)
    evaluation = learner.evaluate()
    judged = {name.split("/")[1] for name in evaluation.judged if name.startswith("retrieval/")}
    assert judged == {"gravity->gyroscope", "gyroscope->gravity"}
    assert "retrieval/acceleration->gravity/cmap" in evaluation.figures
    assert evaluation.missing == ()


def test_names_the_evidence_that_is_missing() -> None:
    record = recorded(n_slots=4)
    learner = learner_of(record)
    go_through(learner, [one for one in record.bindings if one.outcome != "held-out"], record.samples)
    assert "gravity -> gyroscope: no two held-out samples have both" in learner.evaluate().missing


def test_held_out_samples_are_bounded_and_the_latest_stay() -> None:
    learner = go_through(learner_of(evaluation_max_samples=3), RECORDED.bindings)
    held_out = [one.sample_id for one in RECORDED.samples.values() if one.held_out]
    assert learner.snapshot().facts["held_out"] == held_out[-3:]


def test_a_bundle_holds_the_modalities_that_were_trained_and_says_how_much() -> None:
    late = ModalitySpec(name="skeleton", n_channels=4, n_steps=20, rate_hz=4.0)
    specs = {**RECORDED.world.specs, late.name: late}
    learner = go_through(Learner(specs, RECORDED.world.shared, small_settings()), RECORDED.bindings)
    bundle = bundle_of(learner, version=2, parent=1, created_ns=7, evaluation=learner.evaluate())
    assert sorted(bundle.weights) == sorted(RECORDED.world.specs)
    assert [spec.name for spec in bundle.manifest.modalities] == sorted(RECORDED.world.specs)
    assert bundle.manifest.evaluation["trained/gravity/windows"] > 0
    assert bundle.manifest.evaluation["trained/steps"] > 0
    assert "retrieval/gravity->gyroscope/mrr" in bundle.manifest.evaluation


def test_a_modality_whose_first_window_comes_late_joins_without_changing_what_was_before() -> None:
    late = ModalitySpec(name="skeleton", n_channels=4, n_steps=20, rate_hz=4.0)
    specs = {**RECORDED.world.specs, late.name: late}
    learner = go_through(Learner(specs, RECORDED.world.shared, small_settings()), RECORDED.bindings)
    without = go_through(learner_of(), RECORDED.bindings)
    for modality, weights in bundle_of(without, 1, 0, 0).weights.items():
        for name, value in weights.items():
            np.testing.assert_array_equal(bundle_of(learner, 1, 0, 0).weights[modality][name], value)
    joined = _with_skeleton(next(one for one in RECORDED.samples.values() if not one.held_out), late)
    learner.admit(binding_of(joined, ()), {joined.sample_id: joined})
    learner.run_cycle()
    assert "skeleton" in bundle_of(learner, 1, 0, 0).weights


def _with_skeleton(sample: Sample, spec: ModalitySpec) -> Sample:
    windows = {
        "acceleration": sample.windows["acceleration"],
        spec.name: np.random.default_rng(0).normal(size=(spec.n_steps, spec.n_channels)).astype(np.float32),
    }
    scaling = {"acceleration": sample.scaling["acceleration"], spec.name: _unit_scaling(spec)}
    return msgspec.structs.replace(sample, sample_id="late@1", source_id="late", windows=windows, scaling=scaling)


def _unit_scaling(spec: ModalitySpec) -> Scaling:
    channels = np.ones(spec.n_channels, np.float32)
    return Scaling(center=0 * channels, scale=channels, n_windows=1)


def test_a_cycle_of_samples_that_cannot_be_trained_takes_no_step() -> None:
    one = next(iter(RECORDED.samples.values()))
    alone = msgspec.structs.replace(one, windows={"gravity": one.windows["gravity"]}, held_out=False)
    learner = learner_of(cycle_bindings=1)
    learner.admit(binding_of(alone, ()), {alone.sample_id: alone})
    report = learner.run_cycle()
    assert (report.losses, learner.trained_modalities) == ((), [])
