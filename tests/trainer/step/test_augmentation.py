import pytest
import torch

from trainer.settings import AugmentationSettings
from trainer.step.augmentation import augment, drop_features, kept_features

STILL = AugmentationSettings(shift_share=0, gain_sd=0, noise_sd=0, drop_share=0)


def ramps(n_rows: int = 200, n_steps: int = 40) -> torch.Tensor:
    return torch.arange(1.0, n_steps + 1).repeat(n_rows, 1)[:, :, None].repeat(1, 1, 2)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_changes_nothing_when_all_is_switched_off() -> None:
    assert torch.equal(augment(ramps(), STILL, seeded()), ramps())


def test_the_same_generator_state_gives_the_same_variations() -> None:
    settings = AugmentationSettings()

    assert torch.equal(augment(ramps(), settings, seeded(3)), augment(ramps(), settings, seeded(3)))
    assert not torch.equal(augment(ramps(), settings, seeded(3)), augment(ramps(), settings, seeded(4)))


def test_shifts_by_at_most_the_share_and_repeats_the_ends() -> None:
    varied = augment(ramps(), STILL.model_copy(update={"shift_share": 0.1}), seeded())

    offsets = varied[:, 20, 0] - 21
    assert offsets.min() == -4 and offsets.max() == 4
    wanted = torch.stack([(torch.arange(40) + int(offset)).clamp(0, 39) + 1.0 for offset in offsets])
    assert torch.equal(varied[:, :, 0], wanted)


def test_blanks_one_stretch_of_all_channels() -> None:
    varied = augment(ramps(), STILL.model_copy(update={"drop_share": 0.25}), seeded())

    blank = varied == 0
    assert torch.equal(blank[..., 0], blank[..., 1])
    assert blank[..., 0].sum(1).max() == 10
    assert ((blank[:, 1:, 0].int() - blank[:, :-1, 0].int()).clamp(min=0).sum(1) <= 1).all()


def test_a_gain_is_one_factor_for_the_whole_window() -> None:
    varied = augment(ramps(), STILL.model_copy(update={"gain_sd": 0.1}), seeded())

    gains = varied / ramps()
    torch.testing.assert_close(gains, gains[:, :1, :1].expand_as(gains))
    assert 0.08 < float(gains[:, 0, 0].std()) < 0.12


def test_noise_has_the_spread_asked_for() -> None:
    varied = augment(ramps(), STILL.model_copy(update={"noise_sd": 0.05}), seeded())

    assert 0.049 < float((varied - ramps()).std()) < 0.051


def test_left_out_features_are_made_up_for() -> None:
    varied = drop_features(torch.ones(500, 40), kept_features(500, 40, 0.3, seeded()), 0.3)

    assert sorted({*varied.flatten().tolist()}) == pytest.approx([0, 1 / 0.7])
    assert float(varied.mean()) == pytest.approx(1, abs=0.02)


def test_all_features_stay_without_a_draw_where_none_are_to_be_left_out() -> None:
    generator, features = seeded(), torch.rand(5, 4)

    assert torch.equal(drop_features(features, kept_features(5, 4, 0.0, generator), 0.0), features)
    assert torch.equal(torch.rand(3, generator=generator), torch.rand(3, generator=seeded()))
