"""A step shared by several processes: what each is asked, and what becomes of their gradients."""

import numpy as np
import pytest
import torch

from encoders.modality import ModalitySpec
from encoders.scaling import Scaling
from streams.records import Sample
from tests.support.local_ranks import LocalRanks
from trainer.settings import AugmentationSettings, SofteningSettings, TrainerSettings
from trainer.step.edges import EdgeBatch
from trainer.step.packed import PackedBatch, pack
from trainer.step.step import StepResult, StepState, TrainStep

SPECS = {name: ModalitySpec(name=name, n_channels=2, n_steps=40, rate_hz=20) for name in ("acc", "depth", "gyro")}
SETTINGS = TrainerSettings(dim=16, width=8, batch_pairs=8)
STILL = SETTINGS.model_copy(
    update={
        "augmentation": AugmentationSettings(shift_share=0, gain_sd=0, noise_sd=0, drop_share=0, dropout=0),
        "softening": SofteningSettings(enabled=False),
    }
)


def sample(name: str, *modalities: str) -> Sample:
    rng = np.random.default_rng([*name.encode()])
    windows = {one: rng.standard_normal((40, 2)).astype(np.float32) for one in modalities}
    ones = np.ones(2, np.float32)
    scaling = {one: Scaling(center=0 * ones, scale=ones, n_windows=1) for one in modalities}
    return Sample(sample_id=name, source_id=name, start_ns=0, windows=windows, scaling=scaling)


def batch(number: int, *partners_have: str) -> EdgeBatch:
    anchors = [sample(f"a{number}-{row}", "acc", "depth") for row in range(8)]
    partners = [sample(f"b{number}-{row}", *(partners_have or ("acc", "gyro"))) for row in range(8)]
    return EdgeBatch(anchors, partners, np.linspace(0.5, 1, 8, dtype=np.float32))


NO_EDGES = EdgeBatch([sample("alone", "acc")], [None], np.ones(1, np.float32))


def shared_step(
    settings: TrainerSettings = STILL, n_others: int = 1, state: StepState | None = None
) -> tuple[TrainStep, LocalRanks]:
    ranks = LocalRanks(SPECS, "acc", settings, n_others)
    return TrainStep(SPECS, "acc", settings, 1, state, ranks=ranks), ranks


def run(step: TrainStep, *batches: EdgeBatch) -> StepResult:
    """Draws these, in this order: the last one is rank 0's own."""
    left = list(batches)
    (result,) = step.steps(lambda: left.pop(0), 1)
    assert not left
    return result


def gradients(step: TrainStep) -> dict[str, torch.Tensor]:
    return {name: one.grad.clone() for name, one in step._encoders.named_parameters() if one.grad is not None}


def gradients_of(given: EdgeBatch) -> dict[str, torch.Tensor]:
    alone = TrainStep(SPECS, "acc", STILL, 1)
    alone.run(given)
    return gradients(alone)


@pytest.mark.parametrize("n_others", [1, 2])
def test_the_encoders_move_by_the_mean_gradient_of_all_batches(n_others: int) -> None:
    batches = [batch(number) for number in range(1 + n_others)]
    step, _ = shared_step(n_others=n_others)

    result = run(step, *batches)

    each = [gradients_of(one) for one in batches]
    found = gradients(step)
    assert found.keys() == each[0].keys()
    for name, value in found.items():
        wanted = sum(one[name] for one in each) / len(each)
        torch.testing.assert_close(value, wanted, rtol=1e-5, atol=1e-7)
    losses = [TrainStep(SPECS, "acc", STILL, 1).run(one).loss for one in batches]
    assert result.loss == pytest.approx(np.mean(losses), rel=1e-6)
    assert result.n_natural_edges == 16 * len(batches) and result.n_pseudo_edges == 8 * len(batches)


def test_a_step_of_two_batches_goes_twice_as_far_and_remembers_half_as_many() -> None:
    short = STILL.model_copy(update={"average": 0.5})
    step, _ = shared_step(short)
    same, twice = batch(0), {"learning_rate": 2 * short.learning_rate, "average": 0.25}
    wanted = TrainStep(SPECS, "acc", short.model_copy(update=twice), 1)
    for _ in range(40):
        run(step, same, same)
        wanted.run(same)
    step = TrainStep(SPECS, "acc", short, 1, step.state(), ranks=step._ranks)
    run(step, same, same)
    wanted.run(same)

    for kind in ("weights", "averaged_weights"):
        found, expected = getattr(step, kind)()["depth"], getattr(wanted, kind)()["depth"]
        np.testing.assert_allclose(
            found["head.2.weight"], expected["head.2.weight"], rtol=2e-3, atol=2e-4, err_msg=kind
        )


def test_a_modality_of_one_batch_alone_moves_by_half_its_gradient_and_one_of_none_not_at_all() -> None:
    step, _ = shared_step()
    before = step.weights()

    run(step, batch(0, "acc", "gyro"), batch(1, "acc", "depth"))

    alone, found = gradients_of(batch(0, "acc", "gyro")), gradients(step)
    torch.testing.assert_close(found["gyro.stem.weight"], alone["gyro.stem.weight"] / 2, rtol=1e-5, atol=1e-7)
    run(step, batch(2, "acc", "depth"), batch(3, "acc", "depth"))
    once = step.weights()["gyro"]["stem.weight"]
    assert (once != before["gyro"]["stem.weight"]).any()
    run(step, batch(4, "acc", "depth"), batch(5, "acc", "depth"))
    np.testing.assert_array_equal(step.weights()["gyro"]["stem.weight"], once)


def test_a_batch_without_edges_does_not_count_in_the_mean() -> None:
    for batches in ([NO_EDGES, batch(0)], [batch(0), NO_EDGES]):
        step, _ = shared_step()
        result = run(step, *batches)
        for name, value in gradients_of(batch(0)).items():
            torch.testing.assert_close(gradients(step)[name], value, rtol=1e-5, atol=1e-7)
        assert result.n_pseudo_edges == 8 and not np.isnan(result.loss)

    step, _ = shared_step()
    before = step.weights()
    assert np.isnan(run(step, NO_EDGES, NO_EDGES).loss) and step.n_steps == 0
    np.testing.assert_array_equal(step.weights()["acc"]["stem.weight"], before["acc"]["stem.weight"])


def test_each_process_varies_its_windows_its_own_way_anew_in_each_step() -> None:
    step, ranks = shared_step(SETTINGS, n_others=2)
    seeds = []
    for number in range(2):
        run(step, *(batch(number) for _ in range(3)))
        seeds += [task.seed for task in ranks.asked]
    assert len(set(seeds)) == 4

    losses = [found.loss for _, found in ranks.found]
    assert losses[0] != losses[1]  # of the same batch


def test_the_others_soften_from_where_rank_0_is() -> None:
    step, ranks = shared_step(SETTINGS)
    run(step, batch(0), batch(1))
    assert ranks.asked[0].quantile is None
    quantile = step._softening.quantile
    run(step, batch(2), batch(3))
    assert quantile is not None and ranks.asked[0].quantile == quantile


def test_a_run_cut_in_the_middle_and_resumed_ends_with_the_same_bits() -> None:
    whole, _ = shared_step(SETTINGS)
    cut, _ = shared_step(SETTINGS)
    for number in range(4):
        if number == 2:
            cut, _ = shared_step(SETTINGS, state=cut.state())
        for step in (whole, cut):
            run(step, batch(number), batch(10 + number))

    for name, value in whole.state().arrays.items():
        np.testing.assert_array_equal(value, cut.state().arrays[name], err_msg=name)


def test_alone_it_is_the_same_step() -> None:
    one, other = TrainStep(SPECS, "acc", SETTINGS, 1), TrainStep(SPECS, "acc", SETTINGS, 1)
    one.run(batch(0))
    run(other, batch(0))
    for name, value in one.state().arrays.items():
        np.testing.assert_array_equal(value, other.state().arrays[name], err_msg=name)


@pytest.mark.parametrize("given", [batch(0), NO_EDGES])
def test_a_packed_batch_is_the_same_after_its_arrays(given: EdgeBatch) -> None:
    packed = pack(given, "acc")
    again = PackedBatch.from_arrays(packed.arrays())

    assert (again.edges.modalities, again.edges.n_natural) == (packed.edges.modalities, packed.edges.n_natural)
    assert again.n_pseudo == packed.n_pseudo and again.n_items == packed.n_items
    wanted = packed.arrays()
    assert again.arrays().keys() == wanted.keys()
    for name, value in again.arrays().items():
        np.testing.assert_array_equal(value, wanted[name], strict=True, err_msg=name)
