import numpy as np
import pytest
import torch

from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec
from encoders.nets import BLOCK_ROWS, Encoder, EncoderFunction, build_encoder, encoder_weights, load_encoders

SIZES = [(250, 3), (120, 60), (5, 192), (1, 1), (1000, 6)]


def spec_of(n_steps: int, n_channels: int, name: str = "gyroscope") -> ModalitySpec:
    return ModalitySpec(name=name, n_channels=n_channels, n_steps=n_steps, rate_hz=50)


def weights_of(spec: ModalitySpec, seed: int = 0) -> dict[str, np.ndarray]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return encoder_weights(Encoder(spec, dim=16, width=8))


def windows_of(spec: ModalitySpec, n_rows: int, seed: int = 0) -> np.ndarray:
    shape = (n_rows, spec.n_steps, spec.n_channels)
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
def test_gives_unit_rows_for_windows_of_any_size(size: tuple[int, int]) -> None:
    spec = spec_of(*size)

    rows = EncoderFunction(spec, weights_of(spec))(windows_of(spec, 3))

    assert rows.shape == (3, 16) and rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(3), abs=1e-5)


@pytest.mark.parametrize("size", SIZES[:3])
def test_bits_of_a_row_do_not_depend_on_the_batch_it_came_in(size: tuple[int, int]) -> None:
    spec = spec_of(*size)
    embed, windows = EncoderFunction(spec, weights_of(spec)), windows_of(spec, 2 * BLOCK_ROWS + 5)

    for work in (embed, embed.pooled):
        whole = work(windows)
        for cut in (1, 7, BLOCK_ROWS, BLOCK_ROWS + 1):
            parts = [work(windows[start : start + cut]) for start in range(0, len(windows), cut)]
            assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("size", SIZES)
def test_pooled_maps_are_mean_and_maximum_over_time_of_what_lies_below_the_head(size: tuple[int, int]) -> None:
    spec = spec_of(*size)
    weights, windows = weights_of(spec), windows_of(spec, 3)
    encoder, embed = build_encoder(spec, weights), EncoderFunction(spec, weights)

    with torch.inference_mode():
        maps = encoder.blocks(encoder.stem(torch.from_numpy(windows).transpose(1, 2)))
        rows = encoder.project(encoder.head[:-1](torch.from_numpy(embed.pooled(windows))))

    assert embed.pooled(windows).shape == (3, embed.n_pooled)
    np.testing.assert_allclose(embed.pooled(windows), torch.cat([maps.mean(2), maps.amax(2)], 1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(rows, embed(windows), rtol=1e-4, atol=1e-5)


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    spec = spec_of(250, 3)
    embed, windows = EncoderFunction(spec, weights_of(spec)), windows_of(spec, 8)
    alone = embed(windows)[3]

    others = windows_of(spec, 8, seed=1)
    others[3] = windows[3]

    assert np.array_equal(embed(others)[3], alone)


def test_no_windows_give_no_rows() -> None:
    spec = spec_of(250, 3)

    assert EncoderFunction(spec, weights_of(spec))(windows_of(spec, 0)).shape == (0, 16)


def test_extreme_values_stay_finite() -> None:
    spec = spec_of(250, 3)
    windows = windows_of(spec, 2) * np.float32(1e30)

    assert np.isfinite(EncoderFunction(spec, weights_of(spec))(windows)).all()


def test_names_the_shape_of_windows_that_do_not_fit() -> None:
    spec = spec_of(250, 3)

    with pytest.raises(ValueError, match=r"'gyroscope' have shape \(2, 250, 4\), wanted \(N, \*\(250, 3\)\)"):
        EncoderFunction(spec, weights_of(spec))(np.zeros((2, 250, 4), np.float32))


def test_refuses_the_weights_of_another_size() -> None:
    with pytest.raises(ValueError, match="not the weights of an encoder of 'gyroscope'"):
        EncoderFunction(spec_of(250, 3), weights_of(spec_of(250, 4)))


def test_loads_the_encoders_of_a_bundle() -> None:
    specs = (spec_of(250, 3), spec_of(120, 60, "skeleton"))
    manifest = ModelManifest(version=1, parent=0, created_ns=0, modalities=specs, shared_modality="gyroscope", dim=16)
    bundle = ModelBundle(manifest, {spec.name: weights_of(spec) for spec in specs})
    windows = windows_of(specs[1], 4)

    assert list(load_encoders(bundle)) == ["gyroscope", "skeleton"]
    found = load_encoders(bundle, ["skeleton"])
    assert np.array_equal(found["skeleton"](windows), EncoderFunction(specs[1], weights_of(specs[1]))(windows))
    with pytest.raises(ValueError, match=r"version 1 has no encoder of \['depth'\]"):
        load_encoders(bundle, ["depth"])
