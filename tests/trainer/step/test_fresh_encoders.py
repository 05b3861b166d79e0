"""Encoders that have learned nothing."""

import torch

from encoders.modality import ModalitySpec
from trainer.settings import TrainerSettings
from trainer.step.fresh_encoders import fresh_encoders

CPU = torch.device("cpu")
SPECS = {name: ModalitySpec(name=name, n_channels=3, n_steps=40, rate_hz=20) for name in ("accelerometer", "gyroscope")}


def first_weights(seed: int, *names: str) -> dict[str, torch.Tensor]:
    encoders = fresh_encoders({name: SPECS[name] for name in names}, TrainerSettings(dim=8, width=8), seed, CPU)
    return {name: torch.cat([weight.flatten() for weight in encoders[name].parameters()]) for name in names}


def test_another_seed_gives_other_first_weights() -> None:
    seen = [first_weights(seed, "accelerometer")["accelerometer"] for seed in (0, 1, 2, 2**32 - 1)]
    assert all(not torch.equal(one, other) for place, one in enumerate(seen) for other in seen[:place])


def test_the_same_seed_gives_the_same_first_weights() -> None:
    assert torch.equal(first_weights(7, "gyroscope")["gyroscope"], first_weights(7, "gyroscope")["gyroscope"])


def test_a_modality_more_leaves_the_first_weights_of_the_others() -> None:
    alone = first_weights(3, "gyroscope")["gyroscope"]
    assert torch.equal(alone, first_weights(3, "accelerometer", "gyroscope")["gyroscope"])


def test_modalities_of_one_shape_begin_with_weights_of_their_own() -> None:
    both = first_weights(3, "accelerometer", "gyroscope")
    assert not torch.equal(both["accelerometer"], both["gyroscope"])
