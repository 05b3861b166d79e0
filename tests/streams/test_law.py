"""The core's law: what is bound does not depend on how the stream is cut into micro-batches."""

import itertools
import threading

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.modality import ModalitySpec
from streams.binder import Binder
from streams.records import Binding, Sample
from streams.settings import BindingSettings, IndexSettings
from streams.testing import SENSORS, SyntheticWorld

N_SAMPLES = 490
BUILT_AT, SWAPPED_AT = 330, 421
# Segments of 64 rows: six are sealed, two of them dropped again.
INDEX = IndexSettings(history_samples=256, segment_samples=64, ef=64)
BINDING = BindingSettings(neighbours=16)
WORLD = SyntheticWorld(n_sources=7, n_classes=4, held_out=1, noise=0.5)

SETTINGS = WORLD.settings(binding=BINDING, index=INDEX)


def encoder(windows: np.ndarray) -> np.ndarray:
    """Unit rows that depend on nothing but their own window, element by element."""
    ordered = np.sort(windows[:, :32, 0], axis=1) + 3
    total = np.zeros(len(windows), np.float32)
    for column in range(32):
        total += ordered[:, column] ** 2
    return ordered / np.sqrt(total)[:, None]


def stream() -> list[Sample]:
    """A stream with all that may happen: held-out sources, repeats, a lacking and a motionless shared window."""
    samples = list(WORLD.samples(N_SAMPLES // 7))
    samples[50] = msgspec.structs.replace(samples[50], windows={})
    still = {**samples[60].windows, WORLD.shared: np.ones_like(samples[60].windows[WORLD.shared])}
    samples[60] = msgspec.structs.replace(samples[60], windows=still)
    # The very same window under other names: ties that only the order of rows may decide.
    twins = [msgspec.structs.replace(samples[300], sample_id=f"twin-{i}", source_id=f"twin-{i}") for i in range(20)]
    return [*samples[:301], *twins, *samples[290:]]


SAMPLES = stream()
ENCODERS = dict.fromkeys(WORLD.specs, encoder)


def bind(cuts: list[int]) -> list[Binding]:
    binder = Binder(SETTINGS, "w")
    bindings: list[Binding] = []
    build = None
    edges = sorted({0, BUILT_AT, SWAPPED_AT, len(SAMPLES), *cuts})
    for start, end in itertools.pairwise(edges):
        if start == BUILT_AT:
            build = binder.begin_build(1, ENCODERS)
        if start == SWAPPED_AT and build is not None:
            binder.swap(build)
        bindings += binder.observe(SAMPLES[start:end])
    return bindings


@pytest.fixture(scope="module")
def whole() -> list[Binding]:
    """What comes of the stream in as few pieces as there can be."""
    return bind([])


# Few cuts and many; hypothesis would else begin with those that cut nothing.
@settings(max_examples=8)
@given(cuts=st.lists(st.integers(0, len(SAMPLES)), min_size=3, max_size=40))
def test_any_cut_into_micro_batches_gives_the_same_bindings(whole: list[Binding], cuts: list[int]) -> None:
    assert bind(cuts) == whole


def test_one_by_one_gives_the_same_bindings(whole: list[Binding]) -> None:
    assert bind(list(range(len(SAMPLES)))) == whole


@pytest.mark.parametrize(("n_channels", "n_steps"), [(1, 90), (20, 40), (2, 5)])
@pytest.mark.parametrize("lag_tolerant", [True, False])
def test_the_law_holds_for_windows_of_any_size(n_channels: int, n_steps: int, lag_tolerant: bool) -> None:
    shared = ModalitySpec(name="shared", n_channels=n_channels, n_steps=n_steps, rate_hz=10.0)
    world = SyntheticWorld(n_sources=7, n_classes=4, specs=(shared, *SENSORS[1:]), noise=0.5)
    samples = list(world.samples(25))
    found = []
    for step in (1, 50, len(samples)):
        binder = Binder(world.settings(binding=BindingSettings(lag_tolerant=lag_tolerant), index=INDEX), "w")
        found.append([one for i in range(0, len(samples), step) for one in binder.observe(samples[i : i + step])])
    assert found[0] == found[1] == found[2]


def test_the_stream_of_this_test_has_all_that_may_happen(whole: list[Binding]) -> None:
    assert {one.outcome for one in whole} == {"bound", "alone", "held-out", "no-shared-modality"}
    assert {one.model_version for one in whole} == {0, 1}
    assert sum(not one.round for one in whole) < len(SAMPLES), "some samples came twice"
    assert len({one.round for one in whole}) > 5, "asked again as the history grew and after the swap"


def test_a_history_read_again_binds_as_if_it_had_been_observed(whole: list[Binding]) -> None:
    binder = Binder(SETTINGS, "w")
    binder.remember(SAMPLES[:300])
    again = binder.observe(SAMPLES[300:BUILT_AT])
    assert len({one.round for one in again}) > 1
    start = next(i for i, one in enumerate(whole) if one.sample_id == again[0].sample_id)
    arrived = [one.sample_id for one in again if not one.round]
    last = next(one.sequence for one in whole if not one.round and one.sample_id == arrived[-1])
    observed = [one for one in whole[start:] if one.sequence <= last]
    assert _partners(again, is_first=True) == _partners(observed, is_first=True)
    later, before = _partners(again, is_first=False), _partners(observed, is_first=False)
    # Not known is which answers were sent before: so all are sent once more, none is another one.
    assert len(before) > 20
    assert all(later[key] == partners for key, partners in before.items())


def _partners(bindings: list[Binding], is_first: bool) -> dict[tuple[str, int], list[str]]:
    return {
        (one.sample_id, one.round): [partner.sample_id for partner in one.partners]
        for one in bindings
        if is_first == (one.round == 0)
    }


def test_a_build_in_another_thread_gives_the_same_bindings(whole: list[Binding]) -> None:
    binder = Binder(SETTINGS, "w")
    bindings = binder.observe(SAMPLES[:BUILT_AT])
    build = binder.begin_build(1, ENCODERS)
    thread = threading.Thread(target=build.run)
    thread.start()
    for start in range(BUILT_AT, SWAPPED_AT):
        bindings += binder.observe(SAMPLES[start : start + 1])
    thread.join()
    swap = binder.swap(build)
    bindings += binder.observe(SAMPLES[SWAPPED_AT:])
    assert bindings == whole
    versions = [one.model_version for one in bindings if not one.round]
    assert versions == [0] * swap.swapped_at + [1] * (len(versions) - swap.swapped_at)
