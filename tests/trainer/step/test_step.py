import json
import math

import numpy as np
import pytest

from encoders.modality import ModalitySpec
from encoders.scaling import Scaling
from streams.records import Sample
from trainer.settings import AugmentationSettings, SofteningSettings, TrainerSettings
from trainer.step.step import EdgeBatch, StepState, TrainStep

SPECS = {
    "acc": ModalitySpec(name="acc", n_channels=3, n_steps=40, rate_hz=20),
    "depth": ModalitySpec(name="depth", n_channels=24, n_steps=5, rate_hz=1),
    "gyro": ModalitySpec(name="gyro", n_channels=3, n_steps=40, rate_hz=20),
}
SETTINGS = TrainerSettings(dim=16, width=8, batch_pairs=8)
STILL = SETTINGS.model_copy(
    update={
        "augmentation": AugmentationSettings(shift_share=0, gain_sd=0, noise_sd=0, drop_share=0, dropout=0),
        "softening": SofteningSettings(enabled=False),
    }
)


def sample(name: str, *modalities: str, seed: int = 0) -> Sample:
    rng = np.random.default_rng([seed, *name.encode()])
    windows = {
        one: rng.standard_normal((SPECS[one].n_steps, SPECS[one].n_channels)).astype(np.float32) for one in modalities
    }
    scaling = {
        one: Scaling(
            center=np.zeros(SPECS[one].n_channels, np.float32),
            scale=np.ones(SPECS[one].n_channels, np.float32),
            n_windows=1,
        )
        for one in modalities
    }
    return Sample(sample_id=name, source_id=name, start_ns=0, windows=windows, scaling=scaling)


def batch(n_rows: int = 8, seed: int = 0) -> EdgeBatch:
    anchors = [sample(f"a{row}", "acc", "depth", seed=seed) for row in range(n_rows)]
    partners = [sample(f"b{row}", "acc", "gyro", seed=seed) if row % 4 else None for row in range(n_rows)]
    return EdgeBatch(anchors, partners, np.linspace(0.5, 1, n_rows, dtype=np.float32))


def fresh(settings: TrainerSettings = SETTINGS, seed: int = 1, state: StepState | None = None) -> TrainStep:
    return TrainStep(SPECS, "acc", settings, seed, state)


def same_weights(one: TrainStep, other: TrainStep) -> bool:
    mine, theirs = one.weights(), other.weights()
    return all(np.array_equal(value, theirs[key][name]) for key, names in mine.items() for name, value in names.items())


def test_learns_the_pairs_of_a_batch_that_comes_again() -> None:
    step = fresh(STILL)

    losses = [step.run(batch()).loss for _ in range(40)]

    assert losses[-1] < losses[0] / 2


def test_says_how_many_edges_it_saw() -> None:
    result = fresh().run(batch())

    assert (result.n_natural_edges, result.n_pseudo_edges) == (8 + 6, 6)


def test_is_the_same_for_the_same_seed_and_batches() -> None:
    one, other, another = fresh(), fresh(), fresh(seed=2)

    for number in range(3):
        for step in (one, other, another):
            step.run(batch(seed=number))

    assert same_weights(one, other) and not same_weights(one, another)


def test_a_run_cut_in_the_middle_and_resumed_ends_with_the_same_bits() -> None:
    whole, first = fresh(), fresh()
    for number in range(3):
        whole.run(batch(seed=number))
        first.run(batch(seed=number))

    state = first.state()
    resumed = fresh(seed=99, state=StepState(state.arrays, json.loads(json.dumps(state.details))))
    first.run(batch(seed=100))  # what the first goes on with must not reach into the state it gave away

    losses = [[step.run(batch(seed=number)).loss for number in range(3, 6)] for step in (whole, resumed)]
    assert losses[0] == losses[1]
    assert same_weights(whole, resumed)
    assert whole.state().details == resumed.state().details


def test_a_modality_that_is_not_in_the_batch_does_not_move() -> None:
    step = fresh()
    step.run(batch())
    before = step.weights()

    step.run(EdgeBatch(batch().anchors, [None] * 8, np.ones(8, np.float32)))

    after = step.weights()
    assert all(np.array_equal(after["gyro"][name], value) for name, value in before["gyro"].items())
    assert not np.array_equal(after["depth"]["stem.weight"], before["depth"]["stem.weight"])


def test_a_sample_with_one_modality_more_changes_no_loss_of_the_others() -> None:
    samples = [sample(f"a{row}", "acc", "depth") for row in range(8)]
    lonely = sample("gyro only", "gyro")

    without = fresh(STILL).run(EdgeBatch(samples, [None] * 8, np.ones(8, np.float32)))
    beside = fresh(STILL).run(EdgeBatch([*samples, lonely], [None] * 9, np.ones(9, np.float32)))

    assert beside.loss == pytest.approx(without.loss, rel=1e-6)


def test_only_ratios_of_weights_matter_between_pseudo_pairs() -> None:
    anchors = [sample(f"a{row}", "depth") for row in range(6)]
    partners = [sample(f"b{row}", "gyro") for row in range(6)]
    weights = np.linspace(0.1, 1, 6, dtype=np.float32)

    losses = [fresh(STILL).run(EdgeBatch(anchors, partners, factor * weights)).loss for factor in (1, 50)]

    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_a_batch_without_edges_moves_nothing() -> None:
    step = fresh()
    before = fresh()

    result = step.run(EdgeBatch([sample("a", "acc")], [None], np.ones(1, np.float32)))

    assert math.isnan(result.loss) and step.n_steps == 0
    assert same_weights(step, before)


def test_a_modality_more_leaves_the_first_weights_of_the_others() -> None:
    fewer = TrainStep({"acc": SPECS["acc"]}, "acc", SETTINGS, seed=1)

    assert np.array_equal(fewer.weights()["acc"]["stem.weight"], fresh().weights()["acc"]["stem.weight"])


def test_a_modality_that_joins_later_starts_fresh_and_the_others_go_on() -> None:
    early = TrainStep({name: SPECS[name] for name in ("acc", "depth")}, "acc", SETTINGS, seed=1)
    early.run(EdgeBatch(batch().anchors, [None] * 8, np.ones(8, np.float32)))

    joined = fresh(state=early.state())

    assert np.array_equal(joined.weights()["depth"]["stem.weight"], early.weights()["depth"]["stem.weight"])
    assert np.array_equal(joined.weights()["gyro"]["stem.weight"], fresh().weights()["gyro"]["stem.weight"])
    assert joined.run(batch()).n_pseudo_edges == 6


def test_refuses_the_state_of_a_modality_that_it_lacks() -> None:
    with pytest.raises(ValueError, match=r"the state holds modalities \['depth', 'gyro'\]"):
        TrainStep({"acc": SPECS["acc"]}, "acc", SETTINGS, seed=1, state=fresh().state())


def test_refuses_the_state_of_another_width() -> None:
    with pytest.raises(ValueError, match=r"acc/stem.weight of shape \(8, 3, 3\), wanted \(16, 3, 3\)"):
        fresh(SETTINGS.model_copy(update={"width": 16}), state=fresh().state())
