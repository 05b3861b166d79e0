"""A Binding's similarities are of the version that it names, on arrival and in later rounds, whatever is swapped."""

import msgspec
import numpy as np
import pytest

from streams.arrival.row_vectors import EncoderFunction
from streams.binder import Binder
from streams.records import Binding
from streams.settings import BindingSettings, IndexSettings
from streams.testing import SyntheticWorld
from tests.support.version_check import VersionCheck

WORLD = SyntheticWorld(n_sources=6, n_classes=3, noise=0.5)
SAMPLES = list(WORLD.samples(120))
BINDING = BindingSettings(descriptor="oriented", neighbours=16)
INDEX = IndexSettings(history_samples=256, segment_samples=64)
# Versions with the samples at which they are begun and swapped in: a newer one, back to a held one, and so on.
SWAPS = ((1, 100, 130), (2, 180, 220), (3, 230, 260), (2, 300, 345), (0, 400, 440), (2, 450, 500))
TOLERANCE = 1e-5


def encoder_of(version: int) -> EncoderFunction:
    def encode(windows: np.ndarray) -> np.ndarray:
        flat = windows.reshape(len(windows), -1)[:, 3 * version : 3 * version + 24].astype(np.float64) + 0.1
        unit: np.ndarray = (flat / np.linalg.norm(flat, axis=1, keepdims=True)).astype(np.float32)
        return unit

    return encode


@pytest.fixture(scope="module")
def check() -> VersionCheck:
    encoders = {0: None, **{version: encoder_of(version) for version in (1, 2, 3)}}
    return VersionCheck(WORLD.specs[WORLD.shared], BINDING, encoders, SAMPLES)


@pytest.fixture(scope="module")
def bound() -> list[Binding]:
    binder = Binder(WORLD.settings(binding=BINDING, index=INDEX), "w")
    begun = {at: version for version, at, _ in SWAPS}
    ends = {end for _, _, end in SWAPS}
    bindings: list[Binding] = []
    build = None
    for at in range(0, len(SAMPLES), 5):
        if at in begun:
            version = begun[at]
            build = binder.begin_build(version, {WORLD.shared: encoder_of(version)} if version else {})
        if at in ends and build is not None:
            binder.swap(build)
        bindings += binder.observe(SAMPLES[at : at + 5])
    assert [swap.version for swap in binder.swaps] == [version for version, _, _ in SWAPS]
    return [one for one in bindings if one.partners]


@pytest.mark.parametrize("is_first", [True, False])
def test_no_binding_mixes_versions(check: VersionCheck, bound: list[Binding], is_first: bool) -> None:
    mine = [one for one in bound if is_first == (one.round == 0)]
    assert {one.model_version for one in mine} == {0, 1, 2, 3}
    for one in mine:
        assert check.versions(one, TOLERANCE) == {one.model_version}


def test_a_binding_with_another_version_or_with_one_partner_of_another_is_found_out(
    check: VersionCheck, bound: list[Binding]
) -> None:
    one = next(one for one in bound if one.model_version == 2 and len(one.partners) > 1)
    assert 3 not in check.versions(one, TOLERANCE)
    other = next(other for other in bound if other.model_version == 1)
    partner = msgspec.structs.replace(one.partners[0], similarity=other.partners[0].similarity)
    mixed = msgspec.structs.replace(one, partners=(partner, *one.partners[1:]))
    assert not check.versions(mixed, TOLERANCE)
