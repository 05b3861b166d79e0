"""Every setting of a step does what it says: one that does nothing would be missed by nobody."""

import msgspec
import numpy as np
import pytest

from encoders.modality import ModalitySpec
from encoders.scaling import Scaling
from streams.records import Sample
from trainer.settings import AugmentationSettings, SofteningSettings, TrainerSettings
from trainer.step.step import EdgeBatch, TrainStep

SPECS = {
    name: ModalitySpec(name=name, n_channels=3, n_steps=40, rate_hz=20) for name in ("acceleration", "gravity", "gyro")
}
OFF = AugmentationSettings(shift_share=0, gain_sd=0, noise_sd=0, drop_share=0, dropout=0)
PLAIN = TrainerSettings(dim=16, width=8, augmentation=OFF, softening=SofteningSettings(enabled=False), weight_decay=0)
SCALING = Scaling(center=np.zeros(3, np.float32), scale=np.ones(3, np.float32), n_windows=1)


def sample(name: str, *modalities: str) -> Sample:
    rng = np.random.default_rng(list(name.encode()))
    windows = {one: rng.standard_normal((40, 3)).astype(np.float32) for one in modalities}
    return Sample(
        sample_id=name, source_id=name, start_ns=0, windows=windows, scaling=dict.fromkeys(modalities, SCALING)
    )


ANCHORS = [sample(f"a{row}", "acceleration", "gravity") for row in range(8)]
PARTNERS = [sample(f"b{row}", "acceleration", "gyro") for row in range(8)]


def batch(anchors: list[Sample] = ANCHORS) -> EdgeBatch:
    return EdgeBatch(anchors, PARTNERS, np.ones(8, np.float32))


def fresh(**changes: object) -> TrainStep:
    return TrainStep(SPECS, "acceleration", PLAIN.model_copy(update=changes), seed=0)


def first_loss(anchors: list[Sample] = ANCHORS, **changes: object) -> float:
    return fresh(**changes).run(batch(anchors)).loss


def furthest(before: TrainStep, after: TrainStep) -> float:
    """The largest change of any weight."""
    old, new = before.weights(), after.weights()
    moves = [np.abs(new[key][name] - value).max() for key, names in old.items() for name, value in names.items()]
    return float(max(moves))


@pytest.mark.parametrize(
    "kind", [{"shift_share": 0.3}, {"gain_sd": 0.5}, {"noise_sd": 0.5}, {"drop_share": 0.5}, {"dropout": 0.5}]
)
def test_every_kind_of_variation_changes_what_is_learned_from(kind: dict[str, float]) -> None:
    plain, varied = first_loss(), first_loss(augmentation=OFF.model_copy(update=kind))
    assert abs(varied - plain) > 1e-4


def test_the_first_steps_are_small_and_grow_to_the_learning_rate() -> None:
    """A first step of AdamW moves every weight by about the rate, whatever the gradient."""
    step = fresh(learning_rate=0.01)
    step.run(batch())
    assert furthest(fresh(), step) < 0.1 * 0.01
    for _ in range(30):
        step.run(batch())
    late = TrainStep(SPECS, "acceleration", step.settings, seed=1, state=step.state())
    late.run(batch())
    assert furthest(step, late) > 0.3 * 0.01


def test_weights_that_do_not_help_fade_by_the_decay() -> None:
    lengths = []
    for decay in (0.0, 50.0):
        step = fresh(weight_decay=decay)
        for _ in range(10):
            step.run(batch())
        lengths.append(float(np.linalg.norm(step.weights()["gravity"]["stem.weight"])))
    assert lengths[1] < 0.8 * lengths[0]


def test_a_look_alike_is_hardly_a_negative() -> None:
    """Anchors that all moved alike cannot be told apart by what moved alike: softened, they cost less."""
    alike = [
        msgspec.structs.replace(one, windows={**one.windows, "acceleration": ANCHORS[0].windows["acceleration"]})
        for one in ANCHORS[:3]
    ]
    softening = SofteningSettings(quantile=0.95, width=0.03)
    plain, softened = first_loss([*alike, *ANCHORS[3:]]), first_loss([*alike, *ANCHORS[3:]], softening=softening)
    assert softened < plain - 0.05


def test_windows_are_learned_from_in_the_units_of_their_source() -> None:
    gain, zero = np.float32(8), np.float32(-3)
    scaling = Scaling(center=np.full(3, zero), scale=np.full(3, gain), n_windows=1)
    elsewhere = [
        msgspec.structs.replace(
            one,
            windows={name: gain * values + zero for name, values in one.windows.items()},
            scaling=dict.fromkeys(one.windows, scaling),
        )
        for one in ANCHORS
    ]
    assert first_loss(elsewhere) == pytest.approx(first_loss(), rel=1e-4)


def test_a_lower_temperature_makes_more_of_near_misses() -> None:
    losses = [first_loss(temperature=temperature) for temperature in (0.05, 0.5)]
    assert losses[0] > losses[1] + 0.5


def test_encoders_of_two_modalities_begin_unlike() -> None:
    weights = fresh().weights()
    assert not np.array_equal(weights["gravity"]["stem.weight"], weights["gyro"]["stem.weight"])
