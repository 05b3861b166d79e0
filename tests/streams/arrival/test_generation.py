import threading

import numpy as np
import pytest

from streams.arrival.generation import Generation
from streams.arrival.row_vectors import RowVectors
from streams.binder import Binder
from streams.history.store import SampleStore
from streams.settings import BindingSettings, DescriptorKind, IndexSettings
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=6, n_classes=3, noise=0.5)
SPEC = WORLD.specs[WORLD.shared]
SETTINGS = IndexSettings(history_samples=512, segment_samples=128)
SAMPLES = list(WORLD.samples(150))


def encoder(windows: np.ndarray) -> np.ndarray:
    flat = windows.reshape(len(windows), -1)[:, :20].astype(np.float64) + 0.1
    unit: np.ndarray = (flat / np.linalg.norm(flat, axis=1, keepdims=True)).astype(np.float32)
    return unit


def store_of(n: int) -> SampleStore:
    store = SampleStore(SPEC, WORLD.shared, SETTINGS)
    for start in range(0, n, 32):
        store.append(SAMPLES[start : min(n, start + 32)])
    return store


def test_a_trained_similarity_is_the_mean_of_the_fixed_and_the_learned_one() -> None:
    windows = store_of(20).windows(0, 20)
    joined = RowVectors(SPEC, encoder, learned_share=0.25)(windows)
    fixed, learned = RowVectors(SPEC)(windows), encoder(windows.scaled)
    np.testing.assert_allclose(joined @ joined.T, 0.75 * fixed @ fixed.T + 0.25 * learned @ learned.T, atol=1e-5)


@pytest.mark.parametrize("descriptor", ["oriented", "rotation-tolerant", "both"])
def test_what_it_finds_does_not_depend_on_the_steps_in_which_it_follows(descriptor: DescriptorKind) -> None:
    store = store_of(400)
    embeddings = [RowVectors(SPEC, encoder, descriptor=descriptor) for _ in range(2)]
    at_once, in_steps = (Generation(1, embedding, SETTINGS, 16) for embedding in embeddings)
    whole = at_once.follow(store, 400)
    steps = [one for end in (1, 50, 64, 200, 333, 400) for one in in_steps.follow(store, end)]
    for left, right in zip(zip(*whole, strict=True), zip(*steps, strict=True), strict=True):
        assert np.array_equal(np.concatenate(left), np.concatenate(right), equal_nan=True)


def test_a_build_while_samples_come_and_go_swaps_in_without_a_gap() -> None:
    binder = Binder(WORLD.settings(binding=BindingSettings(review_samples=0), index=SETTINGS))
    bindings = binder.observe(SAMPLES[:300])
    build = binder.begin_build(7, {WORLD.shared: encoder})
    builder = threading.Thread(target=build.run)
    builder.start()
    for start in range(300, 850, 10):
        bindings += binder.observe(SAMPLES[start : start + 10])
    builder.join()
    swap = binder.swap(build)
    bindings += binder.observe(SAMPLES[850:])
    assert swap == (7, 300, 850)
    assert binder.swaps == [swap]
    assert [one.sample_id for one in bindings] == [one.sample_id for one in SAMPLES]
    assert [one.model_version for one in bindings] == [0] * 850 + [7] * 50
    assert all(one.outcome == "bound" for one in bindings[850:])
    assert binder.generation.n_rows == 900


def test_a_build_catches_up_with_what_came_while_it_caught_up() -> None:
    binder = Binder(WORLD.settings(binding=BindingSettings(review_samples=0), index=SETTINGS))
    binder.observe(SAMPLES[:200])
    build = binder.begin_build(1, {WORLD.shared: encoder})
    coming, catch_up = [SAMPLES[200:500], SAMPLES[500:600], SAMPLES[600:640]], build.catch_up

    def busy() -> None:
        catch_up()
        binder.observe(coming.pop(0))

    build.catch_up = busy  # type: ignore[method-assign]
    build.run()
    assert not coming
    assert binder.store.n_rows - build.generation.n_rows == 40


def test_a_run_with_swaps_is_repeated_from_their_recorded_moments() -> None:
    live = Binder(WORLD.settings(binding=BindingSettings(review_samples=0), index=SETTINGS))
    seen = live.observe(SAMPLES[:200])
    build = live.begin_build(1, {WORLD.shared: encoder})
    seen += live.observe(SAMPLES[200:260])
    live.swap(build)
    seen += live.observe(SAMPLES[260:500])

    again = Binder(WORLD.settings(binding=BindingSettings(review_samples=0), index=SETTINGS))
    ((version, built_at, swapped_at),) = live.swaps
    repeated = again.observe(SAMPLES[:built_at])
    build = again.begin_build(version, {WORLD.shared: encoder})
    build.run()
    repeated += again.observe(SAMPLES[built_at:swapped_at])
    again.swap(build)
    repeated += again.observe(SAMPLES[swapped_at:500])
    assert repeated == seen


def test_an_abandoned_build_changes_nothing() -> None:
    binder = Binder(WORLD.settings(binding=BindingSettings(review_samples=0), index=SETTINGS))
    binder.observe(SAMPLES[:100])
    binder.begin_build(1, {WORLD.shared: encoder}).abandon()
    assert binder.version == 0
    assert binder.swaps == []


def test_an_encoder_that_fails_fails_the_build_and_not_the_stream() -> None:
    def broken(windows: np.ndarray) -> np.ndarray:
        return np.full((len(windows), 4), np.nan, np.float32)

    binder = Binder(WORLD.settings(binding=BindingSettings(review_samples=0), index=SETTINGS))
    binder.observe(SAMPLES[:100])
    build = binder.begin_build(1, {WORLD.shared: broken})
    with pytest.raises(ValueError, match="unit length"):
        build.run()
    build.abandon()
    assert binder.observe(SAMPLES[100:101])[0].model_version == 0
